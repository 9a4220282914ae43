--[[ expire.lua: books due holds whole as unconfirmed. (PROTOCOL 3.6)
  command  limit, the most holds one call books
  Reply    expired due (attempt job hold)... | unavailable | epoch-changed epoch
  Keeps    law 3: never a smaller estimate, never given back
]]
--- include lib/slot.lua
--- include lib/limits.lua
--- include lib/rungs.lua
--- include lib/book.lua
local shut = closed()
if shut then return shut end
local due = redis.call('ZRANGE', P .. 'exp', '-inf', int(now), 'BYSCORE', 'LIMIT', 0, command.limit)
local reply = { 'expired', #due }
for _, attempt in ipairs(due) do
  local record = readAttempt(attempt)
  if record and record.st == 'H' then
    local amount, _, _, marked = bookHold(attempt, record, 'unconfirmed', 0, nil)
    post(attempt, record, 'unconfirmed', amount, 0, '', '')
    endAttempt(attempt, record)
    raiseMarks(marked)
    reply[#reply + 1] = attempt
    reply[#reply + 1] = record.job
    reply[#reply + 1] = record.hold
  else
    redis.call('ZREM', P .. 'exp', attempt)
  end
end
redis.call('ZREMRANGEBYSCORE', P .. 'windows', '-inf', int(now - 2 * KEEP_MS))
return reply
