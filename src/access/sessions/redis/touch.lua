--[[ touch.lua: finds a session by its token's hash, and counts a request.
  KEYS[1]  <prefix>:totals (lib.lua)
  ARGV[1]  now  ARGV[2] id  ARGV[3] proof  ARGV[4] idle, ms  ARGV[5] ip ('' = as before)  ARGV[6] agent ('' = as before)
  Reply    {} it opens nothing | the session: field value ...
  Keeps    Lua compares texts by identity, not byte by byte: how long it takes says nothing of the proof
]]
--- include lib.lua
local id, proof, idle, ip, agent = unpack(ARGV, 2, 6)
local key = P .. 's:' .. id
local known, owner, ends, lasts = unpack(redis.call('HMGET', key, 'proof', 'owner', 'ends', 'lasts'))
if not known or known ~= proof or tonumber(ends) <= now then return {} end
ends = math.min(now + tonumber(idle), tonumber(lasts))
redis.call('HSET', key, 'seen', int(now), 'ends', int(ends))
if ip ~= '' then redis.call('HSET', key, 'ip', ip) end
if agent ~= '' then redis.call('HSET', key, 'agent', agent) end
redis.call('HINCRBY', key, 'requests', 1)
redis.call('PEXPIREAT', key, int(ends))
file(owner, id, ends)
return redis.call('HGETALL', key)
