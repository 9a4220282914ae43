--[[ keep-turns.lua: begins a lap of a queue's turns when one is over, and asks one caller at a time to bring what waits
  along (keepTurns of model/fair.ts).
  ARGV[1]  epoch now queue clean (-1 = nothing was swept)
  Reply    kept lap|-1 | unavailable | epoch-changed epoch
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/fair.lua
begin(KEYS[1], ARGV[1])
local queue, clean = struct.unpack('<sd', ARGV[1], at1)
local at = want(P .. 'turns:' .. queue)
fetch()
local shut = closed(found[1])
if shut then return shut end
local turns = recordAt(at, readTurns)
if clean == turns.lap and now >= turns.turnedAt + LOOK_AGAIN_MS then turns.clean = clean end
local over = turns.virtual / UNIT >= (turns.lap + 1) * LAP
local sweep = -1
if turns.clean == turns.lap and over then
  turns.lap, turns.turnedAt, turns.due = turns.lap + 1, now, now
end
if turns.clean ~= turns.lap and now >= turns.due then
  turns.due = now + LOOK_AGAIN_MS
  sweep = turns.lap
end
redis.call('SET', keys[at], turnsText(turns))
return { 'kept', sweep }
