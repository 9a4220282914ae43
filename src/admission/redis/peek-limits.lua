--[[ peek-limits.lua: state of limits without taking from them.
  command  limits (lib/limits)
  Reply    (remaining resetAt)...
]]
--- include lib/slot.lua
--- include lib/limits.lua
local reply = {}
for _, line in ipairs(command.limits) do
  local _, _, remaining, resetAt = measure(line, 0)
  reply[#reply + 1] = remaining
  reply[#reply + 1] = resetAt
end
return reply
