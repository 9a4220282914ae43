--[[ end.lua: ends one session, or all of an owner.
  KEYS[1]  <prefix>:totals (lib.lua)
  ARGV[1]  now  ARGV[2] id ('' = all of the owner)  ARGV[3] owner ('' = the session knows)  ARGV[4] id of one that stays ('' = none)
  Reply    how many ended; what had ended by itself does not count
]]
--- include lib.lua
local id, owner, stays = unpack(ARGV, 2, 4)
if id ~= '' then
  local ends
  owner, ends = unpack(redis.call('HMGET', P .. 's:' .. id, 'owner', 'ends'))
  if not owner or tonumber(ends) <= now then return 0 end
  return endOf(owner, id, 'revoked')
end
local ended = 0
-- `perUser` bounds the loop.
for _, one in ipairs(redis.call('ZRANGEBYSCORE', ofOwner(owner), '(' .. int(now), '+inf')) do
  if one ~= stays then ended = ended + endOf(owner, one, 'revoked') end
end
return ended
