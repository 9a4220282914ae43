--[[ renew.lua: a live worker keeps its holds; never shortened.
  command  attempts (bounded by the caller's concurrency), ttlMs
  Reply    renewed lost... | unavailable | epoch-changed epoch
]]
--- include lib/slot.lua
local shut = closed()
if shut then return shut end
local reply = { 'renewed' }
for _, attempt in ipairs(command.attempts) do
  if redis.call('HGET', P .. 'a:' .. attempt, 'st') == 'H' then
    redis.call('ZADD', P .. 'exp', 'GT', int(now + command.ttlMs), attempt)
  else
    reply[#reply + 1] = attempt
  end
end
return reply
