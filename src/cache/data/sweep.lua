--[[ sweep.lua: takes names out of the set of a tag whose values are gone.
  KEYS[1]  bursar-data:{<scope>}:t:<tag>  set of keys   KEYS[2..]  the value of each name (keys of one scope share a slot)
  ARGV     the names, in the order of their values (the caller bounds them)
  Reply    how many were taken out
  Keeps    a value that is put meanwhile is found by its tag: both are one step each
]]
local gone = {}
for at, name in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[at + 1]) == 0 then gone[#gone + 1] = name end
end
if #gone == 0 then return 0 end
return redis.call('SREM', KEYS[1], unpack(gone))
