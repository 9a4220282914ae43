--[[ clean.lua: forgets sessions that ended by themselves.
  KEYS[1]  <prefix>:totals (lib.lua)
  ARGV[1]  now  ARGV[2] how many at most
  Reply    how many
]]
--- include lib.lua
local ended = redis.call('ZRANGEBYSCORE', P .. 'ends', '-inf', int(now), 'LIMIT', 0, tonumber(ARGV[2]))
for _, member in ipairs(ended) do
  local owner, id = string.match(member, '^(%x+)/(%x+)$')
  endOf(owner, id, 'expired')
end
redis.call('ZREMRANGEBYSCORE', P .. 'owners', '-inf', int(now))
return #ended
