--[[
  Publishes changes of users' tiers for processes that have no ledger. Only upwards: an older change of a user than is
  known changes nothing.
  KEYS[1]  {bursar}:tiers         hash  user -> change, JSON
  KEYS[2]  {bursar}:tiers:at      zset  user -> version of the change
  ARGV     per change (the caller bounds the loop): version, user, change
  Reply    how many were news
]]
local news = 0
for i = 1, #ARGV, 3 do
  local version, user = tonumber(ARGV[i]), ARGV[i + 1]
  if version > tonumber(redis.call('ZSCORE', KEYS[2], user) or 0) then
    redis.call('HSET', KEYS[1], user, ARGV[i + 2])
    redis.call('ZADD', KEYS[2], ARGV[i], user)
    news = news + 1
  end
end
return news
