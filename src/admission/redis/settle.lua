--[[ settle.lua: replaces the hold by what is known of the call, and ends the request with it. (PROTOCOL 3.5)
  ARGV[1]  epoch now attempt kind settled|unconfirmed cost at hold tokens (-1 = unknown) detail
           concludes 0|1 caches 0|1 gates 0|1 fixedAt (position), then as far as they are 1: conclusion (lib/conclude); cache key, body,
           ttlMs; gate, untilMs; last what the hold was asked with (lib/attempts), for a record that is gone or has
           forgotten its meta
  Reply    settled|adjusted|unchanged|orphan booked overrun concluded | too-old | unavailable | epoch-changed epoch
  Keeps    laws 3 and 4: the counter moves in the step that appends the posting; a second settlement moves nothing
]]
--- include lib/slot.lua
--- include lib/gates.lua
--- include lib/jobs.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/give-back.lua
--- include lib/attempts.lua
--- include lib/book.lua
--- include lib/conclude.lua
--- include lib/post-request.lua
local attempt, kind, cost, heldAt, hold, tokens, detail, concludes, caches, gates, fixedAt, at =
  struct.unpack('<ssddddsBBBd', ARGV[1], at1)
local job = struct.unpack('<s', ARGV[1], fixedAt)
local found = redis.call('MGET', KEYS[1], P .. 'a:' .. attempt, P .. 'j:' .. job)
local shut = closed(found[1])
if shut then return shut end

local record = readAttempt(found[2])
local outcome, posting, delta, over, left, marked = 'unchanged', nil, 0, 0, {}, {}
if not record or record.st == 'R' then
  if now - heldAt > KEEP_MS then return { 'too-old' } end
  local amount = kind == 'settled' and cost or hold
  local orphan = { st = kind == 'settled' and 'S' or 'U', rev = record and record.rev or 0, booked = amount, rung = 0,
    hold = hold, cap = 0, n = 0, at = heldAt, tokens = 0 }
  record = readAttempt(headText(orphan) .. string.sub(ARGV[1], fixedAt))
  outcome, posting, delta = 'orphan', kind, amount
  left, marked = move(record, amount, 0)
  for _, rest in ipairs(left) do over = math.max(over, math.min(-rest, amount)) end
elseif record.st == 'H' then
  outcome, posting = 'settled', kind
  delta, over, left, marked = bookHold(attempt, record, kind, cost, tokens >= 0 and tokens or nil)
elseif record.st == 'U' and kind == 'settled' then
  outcome, posting, delta = 'adjusted', 'adjustment', cost - record.booked
  over = math.max(cost - record.hold, 0)
  record.st, record.booked = 'S', cost
  left, marked = move(record, delta, 0)
elseif concludes == 1 then
  left = move(record, 0, 0)
end
if record.meta == '' then record.meta = readAttempt(headText(record) .. string.sub(ARGV[1], fixedAt)).meta end

local conclusion, concluded = nil, false
if concludes == 1 then
  conclusion, at = readConclusion(ARGV[1], at)
  concluded = concludeJob(job, readJob(found[3]), conclusion, left)
end
if posting then
  post(attempt, record, posting, delta, over, detail, concluded and conclusion.outcome or '-')
  endAttempt(attempt, record)
elseif concluded then
  postRequest(job, conclusion.outcome, conclusion.reason, record.meta)
end
raiseMarks(marked)
if caches == 1 then
  local key, body, cacheTtlMs
  key, body, cacheTtlMs, at = struct.unpack('<ssd', ARGV[1], at)
  if concluded then
    redis.call('SET', P .. 'cache:' .. key, int(now + cacheTtlMs) .. '\n' .. body, 'PX', int(cacheTtlMs))
  end
end
if gates == 1 then
  local key, untilMs = struct.unpack('<sd', ARGV[1], at)
  closeGate(key, untilMs)
end
return { outcome, record.booked, over, concluded and 1 or 0 }
