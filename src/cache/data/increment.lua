--[[ increment.lua: adds to a whole number of one scope.
  KEYS[1]  bursar-data:{<scope>}:keys (put.lua)
  ARGV     now (ms), key, by, ttl (ms) of a number that begins
  Reply    the number | not-a-number
]]
local at = string.sub(KEYS[1], 1, -5) .. 'v:' .. ARGV[2]
local known = redis.call('GET', at)
if not known then
  redis.call('SET', at, ARGV[3], 'PX', ARGV[4])
  redis.call('ZADD', KEYS[1], string.format('%d', ARGV[1] + ARGV[4]), ARGV[2])
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
  return tonumber(ARGV[3])
end
if not string.match(known, '^-?%d+$') then return 'not-a-number' end
return redis.call('INCRBY', at, ARGV[3])
