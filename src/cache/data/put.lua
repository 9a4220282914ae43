--[[ put.lua: keeps values of one scope, and remembers what they are found by.
  KEYS[1]  bursar-data:{<scope>}:keys  sorted set key -> end (ms); all other keys share its slot (keys.ts)
  ARGV[1]  now (ms)
  ARGV[2..] an entry each (the caller bounds them): key, value, ttl (ms), count, then that many tags
  Reply    how many were kept
]]
local P = string.sub(KEYS[1], 1, -5)
local now, at, kept = tonumber(ARGV[1]), 2, 0
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
-- A set of names lives as long as the last of them.
local function outlive(key, ttlMs)
  if redis.call('PTTL', key) < ttlMs then redis.call('PEXPIRE', key, ttlMs) end
end
while at <= #ARGV do
  local key, value, ttlMs, tags = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  redis.call('SET', P .. 'v:' .. key, value, 'PX', ttlMs)
  redis.call('ZADD', KEYS[1], string.format('%d', now + ttlMs), key)
  outlive(KEYS[1], ttlMs)
  for i = at + 4, at + 3 + tags do
    redis.call('SADD', P .. 't:' .. ARGV[i], key)
    outlive(P .. 't:' .. ARGV[i], ttlMs)
  end
  at, kept = at + 4 + tags, kept + 1
end
return kept
