--[[ renew.lua: a live worker keeps its holds; never shortened.
  ARGV[1]  epoch now ttlMs count attempts... (bounded by the caller's concurrency)
  Reply    renewed lost... | unavailable | epoch-changed epoch
]]
--- include lib/slot.lua
begin(KEYS[1], ARGV[1])
local shut = closed(redis.call('GET', KEYS[1]))
if shut then return shut end
local ttlMs, count, at = struct.unpack('<dd', ARGV[1], at1)
local reply = { 'renewed' }
for _ = 1, count do
  local attempt
  attempt, at = struct.unpack('<s', ARGV[1], at)
  if redis.call('GETRANGE', P .. 'a:' .. attempt, 0, 0) == 'H' then
    redis.call('ZADD', P .. 'exp', 'GT', int(now + ttlMs), attempt)
  else
    reply[#reply + 1] = attempt
  end
end
return reply
