--[[ claim.lua: keeps a new slot closed while it is filled from somewhere else, so that nobody holds money in half of it.
  ARGV[1]  epoch now move (its id) run (the server's run id)
  Reply    claimed: it was missing and is closed now, or this move claimed it before | open: this move has opened it
           | taken: it is somebody else's
  Keeps    a process that starts meanwhile finds a closed slot and refuses to work
]]
local epoch, _, move, run = struct.unpack('<ddss', ARGV[1])
local P = string.sub(KEYS[1], 1, -5)
local slot = redis.call('GET', KEYS[1])
if not slot then
  redis.call('SET', KEYS[1], string.format('closed %d 0 0 %s', epoch, run))
  redis.call('SET', P .. 'move', move)
  return { 'claimed' }
end
if redis.call('GET', P .. 'move') ~= move then return { 'taken' } end
return { string.match(slot, '^open') and 'open' or 'claimed' }
