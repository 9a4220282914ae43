--[[ add-figures.lua: adds what one process counted to what all have.
  KEYS[1]  <prefix>:figures:<day>  hash field -> number
  ARGV[1]  most fields   ARGV[2]  time to live (ms)
  ARGV[3..] three each (the caller bounds them): field, the field to count it under when there are most already, by
  Reply    how many were added
]]
local most, added = tonumber(ARGV[1]), 0
for at = 3, #ARGV, 3 do
  local field = ARGV[at]
  if redis.call('HEXISTS', KEYS[1], field) == 0 and redis.call('HLEN', KEYS[1]) >= most then field = ARGV[at + 1] end
  redis.call('HINCRBY', KEYS[1], field, ARGV[at + 2])
  added = added + 1
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return added
