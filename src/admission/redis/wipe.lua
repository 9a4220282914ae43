--[[ wipe.lua: removes keys of the life before from a slot that is claimed.
  ARGV[1]  epoch now token
  ARGV[2..] keys of the slot (the caller bounds the loop)
  Reply    wiped | not-claimed
]]
--- include lib/slot.lua
--- include lib/claim.lua
begin(KEYS[1], ARGV[1])
local token = struct.unpack('<s', ARGV[1], at1)
if not isClaimed(redis.call('GET', KEYS[1]), token) then return { 'not-claimed' } end
if #ARGV > 1 then redis.call('UNLINK', unpack(ARGV, 2)) end
return { 'wiped' }
