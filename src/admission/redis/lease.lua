--[[ lease.lua: takes an allowance, one big hold in advance, in every window or in none. (PROTOCOL 3.11)
  ARGV[1]  epoch now lease amount policy from until ttlMs termsAt fixedAt (positions)
           terms, per window: startMs endMs limitNano warn-only marks
           fixed, what the hold keeps as it came: process, windows, no limits, no meta (lib/attempts)
           [from, until) is the time in which every window is open
  Reply    held amount at | over-budget index left... | void | stale now policy | unavailable | epoch-changed epoch
  Keeps    law 1, as admit does; the ledger is told in the same step, and nothing is spent of it before it knows
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/give-back.lua
--- include lib/attempts.lua
--- include lib/outbox.lua
--- include lib/book.lua
--- include lib/enter-windows.lua
begin(KEYS[1], ARGV[1])
local lease, amount, policy, fromMs, untilMs, ttlMs, termsAt, fixedAt = struct.unpack('<sddddddd', ARGV[1], at1)
local head = { st = 'H', rev = 0, booked = 0, rung = 0, hold = amount, cap = 0, n = 0, at = now, tokens = 0 }
local record, heldAt = readAttempt(headText(head) .. string.sub(ARGV[1], fixedAt)), want(P .. 'a:' .. lease)
wantChain(record)
fetch()
local shut = closed(found[1])
if shut then return shut end
local known = recordAt(heldAt, readAttempt)
if known then
  if known.st ~= 'H' then return { 'void' } end
  return { 'held', known.hold, known.at }
end

local windows, newest = {}, policy
for i, at in ipairs(record.windowsAt) do
  windows[i] = windowAt(at)
  newest = math.max(newest, windows[i][POLICY])
end
if now < fromMs or now >= untilMs or newest > policy then return { 'stale', now, newest } end
enterWindows({ packed = ARGV[1], policy = policy, termsAt = termsAt, windows = record.windowsAt }, windows)

local blocking, reply, at = nil, { 'over-budget', 0 }, termsAt
for i, w in ipairs(windows) do
  local _, _, _, warn, _, after = struct.unpack('<dddBs', ARGV[1], at)
  reply[i + 2], at = w[LIMIT] - w[SPENT] - w[HELD], after
  if warn == 0 and reply[i + 2] < amount and not blocking then blocking = i - 1 end
end
if blocking then
  reply[2] = blocking
  writeBooked()
  return reply
end
move(record, 0, amount)
post(lease, record, 'lease', 0, 0, '', '')
redis.call('SET', keys[heldAt], headText(record) .. string.sub(record.value, record.fixed))
redis.call('ZADD', P .. 'exp', int(now + ttlMs), lease)
writeBooked()
return { 'held', amount, now }
