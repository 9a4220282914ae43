--[[ bench/fill-tenants.lua: gives many tenants what one has: bench/admission-scale.ts.
  KEYS[1]  <prefix>:windows, the sorted set of windows
  ARGV     first and last tenant; then what tenant 0 has: how many windows, and names of windows and limits, in which
           `#` stands for the tenant's number
  Reply    keys that were copied
]]
local prefix = string.gsub(KEYS[1], ':windows$', '')
local first, last, windows, copied = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), 0
for tenant = first, last do
  for i = 4, #ARGV do
    local isWindow = i - 3 <= windows
    local kind = isWindow and ':w:' or ':q:'
    local one, other = string.gsub(ARGV[i], '#', '0'), string.gsub(ARGV[i], '#', tostring(tenant))
    copied = copied + redis.call('COPY', prefix .. kind .. one, prefix .. kind .. other)
    if isWindow then redis.call('ZADD', KEYS[1], redis.call('ZSCORE', KEYS[1], one), other) end
  end
end
return copied
