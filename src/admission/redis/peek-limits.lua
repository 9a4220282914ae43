--[[ peek-limits.lua: state of limits without taking from them.
  ARGV[1]  epoch now count, then per limit: kind name limit perMs burst flags (lib/limits)
  Reply    (remaining resetAt)...
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/limits.lua
begin(KEYS[1], ARGV[1])
local count, at = struct.unpack('<B', ARGV[1], at1)
local limits, reply = {}, {}
for i = 1, count do
  limits[i], at = readLimit(ARGV[1], at)
  wantLimit(limits[i])
end
fetch()
for _, line in ipairs(limits) do
  holdLimit(line)
  local _, _, remaining, resetAt = measure(line, 0)
  reply[#reply + 1] = remaining
  reply[#reply + 1] = resetAt
end
return reply
