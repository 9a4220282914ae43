--[[ file-answer.lua: files an answer that is about to be kept under what it depends on.
  KEYS     a sorted set each, key -> its end (ms)
  ARGV     now (ms), ttl (ms), key
  Reply    how many it is filed under
]]
local now, ttlMs = tonumber(ARGV[1]), tonumber(ARGV[2])
for _, label in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', label, '-inf', now)
  redis.call('ZADD', label, string.format('%d', now + ttlMs), ARGV[3])
  -- A label lives as long as the last answer under it.
  if redis.call('PTTL', label) < ttlMs then redis.call('PEXPIRE', label, ttlMs) end
end
return #KEYS
