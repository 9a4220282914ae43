--[[ open-claimed.lua: opens the slot that a move has filled; from here on it is like any other.
  ARGV[1]  epoch now move (its id)
  Reply    open | not-claimed
]]
local epoch, _, move = struct.unpack('<dds', ARGV[1])
local slot = redis.call('GET', KEYS[1])
if not slot or redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'move') ~= move then return { 'not-claimed' } end
local state, known, rest = string.match(slot, '^(%S+) (%d+) (.*)$')
if state == 'open' then return { 'open' } end
if tonumber(known) ~= epoch then return { 'not-claimed' } end
redis.call('SET', KEYS[1], 'open ' .. known .. ' ' .. rest)
return { 'open' }
