--[[ expire.lua: books due holds whole as unconfirmed, and forgets windows that ended long ago. (PROTOCOL 3.6)
  ARGV[1]  epoch now limit: the most holds, and windows, that one call touches
  Reply    expired due (attempt job hold)... | unavailable | epoch-changed epoch
  Keeps    law 3: never a smaller estimate, never given back; a window that something still holds stays
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/give-back.lua
--- include lib/attempts.lua
--- include lib/outbox.lua
--- include lib/book.lua
begin(KEYS[1], ARGV[1])
local shut = closed(redis.call('GET', KEYS[1]))
if shut then return shut end
local limit = struct.unpack('<d', ARGV[1], at1)
local due = redis.call('ZRANGE', P .. 'exp', '-inf', int(now), 'BYSCORE', 'LIMIT', 0, limit)
local reply = { 'expired', #due }
local held = {}
for i, attempt in ipairs(due) do held[i] = want(P .. 'a:' .. attempt) end
fetch()
for _, at in ipairs(held) do
  local record = recordAt(at, readAttempt)
  if record then wantChain(record) end
end
fetch()
for i, attempt in ipairs(due) do
  local record = recordAt(held[i], readAttempt)
  if record and record.st == 'H' then
    local amount, _, _, marked = bookHold(attempt, record, 'unconfirmed', 0, nil)
    post(attempt, record, 'unconfirmed', amount, 0, '', '')
    endAttempt(keys[held[i]], record)
    raiseMarks(marked)
    reply[#reply + 1] = attempt
    reply[#reply + 1] = record.job
    reply[#reply + 1] = record.hold
  else
    unheld[#unheld + 1] = attempt
  end
end
writeBooked()
local past = redis.call('ZRANGE', P .. 'windows', '-inf', int(now - 2 * KEEP_MS), 'BYSCORE', 'LIMIT', 0, limit)
for _, name in ipairs(past) do
  local value = redis.call('GET', P .. 'w:' .. name)
  if not value or readWindow(value)[HELD] == 0 then
    redis.call('DEL', P .. 'w:' .. name)
    redis.call('ZREM', P .. 'windows', name)
  end
end
return reply
