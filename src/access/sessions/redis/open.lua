--[[ open.lua: begins a session; where somebody has too many, those that were idle longest end.
  KEYS[1]  <prefix>:totals (lib.lua)
  ARGV[1]  now   ARGV[2] id  ARGV[3] proof  ARGV[4] owner  ARGV[5] tenant  ARGV[6] user  ARGV[7] data
  ARGV[8]  ip    ARGV[9] agent  ARGV[10] idle, ms  ARGV[11] longest, ms  ARGV[12] sessions of one person at a time
  Reply    now, its end, the latest end; ms
]]
--- include lib.lua
local id, proof, owner, tenant, user, data, ip, agent = unpack(ARGV, 2, 9)
local idle, longest, most = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
redis.call('ZREMRANGEBYSCORE', ofOwner(owner), '-inf', int(now))
local over = redis.call('ZCARD', ofOwner(owner)) - most
if over >= 0 then
  for _, old in ipairs(redis.call('ZRANGE', ofOwner(owner), 0, over)) do endOf(owner, old, 'replaced') end
end
local lasts = now + longest
local ends = math.min(now + idle, lasts)
redis.call('HSET', P .. 's:' .. id, 'proof', proof, 'owner', owner, 'tenant', tenant, 'user', user, 'data', data,
  'ip', ip, 'agent', agent, 'opened', int(now), 'seen', int(now), 'ends', int(ends), 'lasts', int(lasts), 'requests', 0)
redis.call('PEXPIREAT', P .. 's:' .. id, int(ends))
file(owner, id, ends)
redis.call('HINCRBY', KEYS[1], 'opened', 1)
return { now, ends, lasts }
