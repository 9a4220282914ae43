--[[ peek-limits.lua: state of limits without taking from them.
  ARGV[1]  epoch now count, then per limit: kind key limit perMs burst (lib/limits)
  Reply    (remaining resetAt)...
]]
--- include lib/slot.lua
--- include lib/limits.lua
local count, at = struct.unpack('<B', ARGV[1], at1)
local reply = {}
for _ = 1, count do
  local line
  line, at = readLimit(ARGV[1], at)
  line[HELD_STATE] = { redis.call('GET', P .. 'q:' .. line[2]) }
  local _, _, remaining, resetAt = measure(line, 0)
  reply[#reply + 1] = remaining
  reply[#reply + 1] = resetAt
end
return reply
