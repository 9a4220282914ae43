--[[ keep-prompt.lua: keeps a prompt beside its answer, and no more prompts of a tenant than may be.
  KEYS[1]  {bursar}:prompt:<cache key>  the prompt   KEYS[2]  {bursar}:prompts:<wall>  sorted set cache key -> asked last (ms)
  ARGV     now (ms), cache key, prompt, ttl (ms), most
  Reply    how many are kept
]]
local under = string.sub(KEYS[1], 1, -(#ARGV[2] + 1))
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%d', ARGV[1] - ARGV[4]))
local kept = redis.call('ZCARD', KEYS[2])
if kept > tonumber(ARGV[5]) then
  local gone = redis.call('ZPOPMIN', KEYS[2], 1)
  redis.call('UNLINK', under .. gone[1])
  kept = kept - 1
end
return kept
