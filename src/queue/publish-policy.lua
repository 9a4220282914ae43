--[[
  Publishes a policy for processes that have no file of their own. Only upwards: an older version changes nothing.
  KEYS[1]  {bursar}:policy  hash  version, body
  ARGV[1]  version, integer   ARGV[2]  the policy as JSON, without keys of providers   ARGV[3]  channel
  Reply    1 published | 0 the slot has this version or a newer one
]]
local version = tonumber(ARGV[1])
local known = tonumber(redis.call('HGET', KEYS[1], 'version') or '-1')
if version <= known then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'body', ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[1])
return 1
