--[[ unlock.lua: gives a lock back, unless it ran out and is another's.
  KEYS[1]  the lock   ARGV[1]  what its holder wrote into it
  Reply    1 | 0
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
