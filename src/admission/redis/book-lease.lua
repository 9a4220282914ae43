--[[ book-lease.lua: books a call that was made from an allowance; what it cost leaves what the allowance holds. (PROTOCOL 3.11.3)
  ARGV[1]  epoch now lease attempt kind settled|unconfirmed cost at hold detail concludes 0|1 fixedAt (position)
           as far as it is 1: conclusion (lib/conclude); last what a hold would have been asked with (lib/attempts)
  Reply    booked|adjusted|unchanged|orphan booked overrun concluded | too-old | unavailable | epoch-changed epoch
  Keeps    laws 3 and 4: keyed by attempt, a second time only a difference moves; what one allowance gives is held no more
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/jobs.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/give-back.lua
--- include lib/attempts.lua
--- include lib/outbox.lua
--- include lib/book.lua
--- include lib/conclude.lua
begin(KEYS[1], ARGV[1])
local lease, attempt, kind, cost, heldAt, hold, detail, concludes, fixedAt, restAt =
  struct.unpack('<sssdddsBd', ARGV[1], at1)
local job = struct.unpack('<s', ARGV[1], fixedAt)
local payerAt, at, jobAt = want(P .. 'a:' .. lease), want(P .. 'a:' .. attempt), want(P .. 'j:' .. job)
fetch()
local shut = closed(found[1])
if shut then return shut end
local payer, record = recordAt(payerAt, readAttempt), recordAt(at, readAttempt)
local fresh = not record or record.st == 'R'
if fresh and now - heldAt > KEEP_MS then return { 'too-old' } end
local pays = payer and (payer.st == 'H' or payer.st == 'U')

local head = { st = kind == 'settled' and 'S' or 'U', rev = record and record.rev or 0, booked = 0, rung = 0, hold = hold,
  cap = 0, n = 0, at = heldAt, tokens = 0 }
local asked = readAttempt(headText(head) .. string.sub(ARGV[1], fixedAt))
if fresh then
  record = asked
  if payer then
    -- Where its allowance holds, whatever the caller remembers of that.
    local windows = string.sub(payer.value, payer.fixed + #payer.job + 1, payer.limitsAt - 1)
    record = readAttempt(headText(head) .. job .. '\0' .. windows .. '\0' .. asked.meta .. '\0')
  end
end
wantChain(record)
if payer then wantChain(payer) end
fetch()

-- Takes an amount out of the allowance. Returns as much of it as was there; a negative one goes back whole.
local function pay(amount)
  if payer.st == 'H' then
    local part = math.min(amount, payer.hold)
    move(payer, 0, -part)
    payer.hold = payer.hold - part
    return part
  end
  local part = math.min(amount, payer.booked)
  if part == 0 then return 0 end
  move(payer, -part, 0)
  payer.booked = payer.booked - part
  post(lease, payer, 'adjustment', -part, 0, '', '')
  return part
end

-- Moves an amount from the allowance to the attempt. Returns what of it nobody held, as far as it passes a limit.
local function spend(amount)
  local paid = pays and pay(amount) or 0
  local left, marked = move(record, amount, 0)
  local uncovered, over = math.max(amount - paid, 0), math.max(amount - record.hold, 0)
  for i, rest in ipairs(left) do
    if rest < 0 and termsOf(windowAt(record.windowsAt[i])).warn == 0 then
      over = math.max(over, math.min(-rest, uncovered))
    end
  end
  if pays then redis.call('SET', keys[payerAt], headText(payer) .. string.sub(payer.value, payer.fixed), 'KEEPTTL') end
  return over, left, marked
end

-- Returns outcome, posting kind or nil, delta, overrun, left, marked.
local function book()
  if fresh then
    local amount = kind == 'settled' and cost or hold
    record.booked = amount
    return pays and 'booked' or 'orphan', kind, amount, spend(amount)
  end
  if record.st == 'H' then return 'booked', kind, bookHold(attempt, record, kind, cost, nil) end
  if record.st == 'S' or kind == 'unconfirmed' then return 'unchanged', nil, 0, 0, (move(record, 0, 0)), nil end
  local delta = cost - record.booked
  local over, left, marked = spend(delta)
  record.st, record.booked = 'S', cost
  return 'adjusted', 'adjustment', delta, math.max(cost - record.hold, over, 0), left, marked
end

local outcome, posting, delta, over, left, marked = book()
local conclusion, concluded = nil, false
if concludes == 1 then
  conclusion = readConclusion(ARGV[1], restAt)
  concluded = concludeJob(job, keys[jobAt], recordAt(jobAt, readJob), conclusion, left)
end
if posting then
  if record.meta == '' then record.meta = asked.meta end
  post(attempt, record, posting, delta, over, detail, concluded and conclusion.outcome or '')
  endAttempt(keys[at], record)
elseif concluded then
  postRequest(job, conclusion.outcome, conclusion.reason, asked.meta)
end
raiseMarks(marked)
writeBooked()
return { outcome, record.booked, over, concluded and 1 or 0 }
