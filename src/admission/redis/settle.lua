--[[ settle.lua: replaces the hold by what is known of the call, and ends the request with it. (PROTOCOL 3.5)
  command  attempt, job, kind settled|unconfirmed, cost, at, hold, windows, tokens (-1 = unknown), meta, detail,
           conclusion (false or outcome reason result replyTo resultTtlMs), cache (false or key body ttlMs),
           gate (false or key untilMs)
  Reply    settled|adjusted|unchanged|orphan booked overrun concluded | too-old | unavailable | epoch-changed epoch
  Keeps    laws 3 and 4: the counter moves in the step that appends the posting; a second settlement moves nothing
]]
--- include lib/slot.lua
--- include lib/limits.lua
--- include lib/rungs.lua
--- include lib/book.lua
--- include lib/conclude.lua
local shut = closed()
if shut then return shut end

local record = readAttempt(command.attempt)
local outcome, kind, delta, over, left, marked = 'unchanged', nil, 0, 0, {}, {}

local function orphan(rev)
  local amount = command.kind == 'settled' and command.cost or command.hold
  record = { st = command.kind == 'settled' and 'S' or 'U', rev = rev, booked = amount, meta = command.meta,
    job = command.job, rung = 0, hold = command.hold, cap = 0, n = 0, at = command.at,
    windows = command.windows, limits = {} }
  outcome, kind, delta = 'orphan', command.kind, amount
  left, marked = move(record, amount, 0)
  for _, rest in ipairs(left) do over = math.max(over, math.min(-rest, amount)) end
  createAttempt(command.attempt, record)
end

if not record or record.st == 'R' then
  if now - command.at > KEEP_MS then return { 'too-old' } end
  orphan(record and record.rev or 0)
elseif record.st == 'H' then
  local used = command.tokens >= 0 and command.tokens or nil
  outcome, kind = 'settled', command.kind
  delta, over, left, marked = bookHold(command.attempt, record, kind, command.cost, used)
elseif record.st == 'U' and command.kind == 'settled' then
  outcome, kind, delta = 'adjusted', 'adjustment', command.cost - record.booked
  over = math.max(command.cost - record.hold, 0)
  record.st, record.booked = 'S', command.cost
  left, marked = move(record, delta, 0)
elseif command.conclusion then
  left = move(record, 0, 0)
end

local conclusion = command.conclusion
local concluded = conclusion and concludeJob(command.job, conclusion, left)
if kind then
  post(command.attempt, record, kind, delta, over, command.detail, concluded and conclusion.outcome or '')
  endAttempt(command.attempt, record)
elseif concluded then
  postRequest(command.job, conclusion.outcome, conclusion.reason, record.meta)
end
raiseMarks(marked)
if command.cache and concluded then
  local cache = command.cache
  redis.call('SET', P .. 'cache:' .. cache.key, int(now + cache.ttlMs) .. '\n' .. cache.body,
    'PX', int(cache.ttlMs))
end
if command.gate then
  local key, untilMs = P .. 'gate:' .. command.gate.key, command.gate.untilMs
  if untilMs > now and untilMs > tonumber(redis.call('GET', key) or '0') then
    redis.call('SET', key, int(untilMs), 'PX', int(untilMs - now))
  end
end
return { outcome, record.booked, over, concluded and 1 or 0 }
