--[[ adopt.lua: makes records again of attempts that the slot has lost, as the ledger and their owners know them; model/adopt.ts,
  line by line. (PROTOCOL 3.10)
  ARGV[1]  epoch now token ('' = the slot is open, else it is claimed and closed)
  ARGV[2..] an attempt each (the caller bounds the loop):
           attempt state ('' = the ledger has nothing, else S|U|R) booked epoch rev (the ledger's) as held|settled|unconfirmed
           cost ttlMs rung hold cap n at detail fixedAt (position) ends (one per window: latest end, ms)
           fixed: job, windows, no limits, meta (lib/attempts)
  Reply    per attempt: known: there is a record, and nothing was changed | adopted state booked overrun
           | unavailable | epoch-changed epoch | not-claimed
  Keeps    laws 3 and 4: what is posted here moves the counter in the same step. A hold comes back even above the limit
]]
--- include lib/slot.lua
--- include lib/claim.lua
--- include lib/state.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/give-back.lua
--- include lib/attempts.lua
--- include lib/outbox.lua
--- include lib/book.lua
begin(KEYS[1], ARGV[1])
local token = struct.unpack('<s', ARGV[1], at1)

local function readCommand(packed)
  local attempt, state, booked, epoch, rev, as, cost, ttlMs, rung, hold, cap, n, heldAt, detail, fixedAt, at =
    struct.unpack('<ssdddsdddddddsd', packed)
  local head = { st = 'H', rev = epoch == EPOCH and rev or 0, booked = booked, rung = rung, hold = hold, cap = cap, n = n,
    at = heldAt, tokens = 0 }
  local record = readAttempt(headText(head) .. string.sub(packed, fixedAt))
  local ends = {}
  for i = 1, #record.windows do ends[i], at = struct.unpack('<d', packed, at) end
  return { attempt = attempt, state = state, as = as, cost = cost, ttlMs = ttlMs, detail = detail, record = record,
    ends = ends, held = want(P .. 'a:' .. attempt) }
end

local commands = {}
for i = 2, #ARGV do commands[i - 1] = readCommand(ARGV[i]) end
for _, c in ipairs(commands) do wantChain(c.record) end
fetch()
local shut = token == '' and closed(found[1]) or nil
if token ~= '' and not isClaimed(found[1], token) then shut = { 'not-claimed' } end

-- A window that this life has not seen: nothing was booked in it. Its terms come with the next admission.
local function openMissing(c)
  for i, at in ipairs(c.record.windowsAt) do
    local w, endMs = windowAt(at), c.ends[i]
    if w[POLICY] < 0 and now < endMs + KEEP_MS then
      openWindow(at, endMs)
      w[POLICY] = 0
      setTerms(w, { base = 0, credits = {}, fired = 0, startMs = 0, endMs = endMs, warn = 0, marks = '' })
    end
  end
end

-- How much of an amount that nobody held for stands above the limits that block; a window without terms has none.
local function pastLimits(record, amount)
  local over = 0
  for _, at in ipairs(record.windowsAt) do
    local w = windowAt(at)
    if w[POLICY] > 0 and termsOf(w).warn == 0 then
      over = math.max(over, math.min(w[SPENT] + w[HELD] - w[LIMIT], amount))
    end
  end
  return over
end

local function hold(c, record)
  move(record, 0, record.hold)
  redis.call('SET', keys[c.held], headText(record) .. string.sub(record.value, record.fixed))
  redis.call('ZADD', P .. 'exp', int(now + c.ttlMs), c.attempt)
  return token == '' and pastLimits(record, record.hold) or 0
end

local function book(c, record, kind, amount)
  local delta = amount - record.booked
  record.booked = amount
  local _, marked = move(record, delta, 0)
  local over = math.max(amount - record.hold, 0)
  if token == '' and c.state ~= 'U' then over = math.max(over, pastLimits(record, delta)) end
  post(c.attempt, record, c.state == 'U' and 'adjustment' or kind, delta, over, c.detail, '')
  raiseMarks(marked)
  return over
end

local function adopt(c)
  if shut then return shut end
  if found[c.held] then return { 'known' } end
  local record, over = c.record, 0
  found[c.held] = 'adopted'
  if c.state == '' or c.state == 'R' then openMissing(c) end
  if c.state == 'S' then
    record.st = 'S'
  elseif c.as == 'settled' then
    record.st = 'S'
    over = book(c, record, 'settled', c.cost)
  elseif c.state == 'U' then
    record.st = 'U'
  elseif c.as == 'unconfirmed' then
    record.st = 'U'
    over = book(c, record, 'unconfirmed', record.hold)
  else
    return { 'adopted', 'H', 0, hold(c, record) }
  end
  endAttempt(keys[c.held], record)
  return { 'adopted', record.st, record.booked, over }
end

local replies = {}
for i, c in ipairs(commands) do replies[i] = adopt(c) end
writeBooked()
return replies
