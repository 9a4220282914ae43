--[[ open-claimed.lua: opens the slot that a move, or the process that reopens it, has filled; from here on it is like any
  other.
  ARGV[1]  epoch now claim (the move's id, or the reopener's token)
  Reply    open | not-claimed
]]
local epoch, _, claim = struct.unpack('<dds', ARGV[1])
local P = string.sub(KEYS[1], 1, -5)
local slot = redis.call('GET', KEYS[1])
local mine = redis.call('GET', P .. 'move') == claim or redis.call('GET', P .. 'reopen') == claim
if not slot or not mine then return { 'not-claimed' } end
local state, known, rest = string.match(slot, '^(%S+) (%d+) (.*)$')
if state == 'open' then return { 'open' } end
if tonumber(known) ~= epoch then return { 'not-claimed' } end
redis.call('SET', KEYS[1], 'open ' .. known .. ' ' .. rest)
redis.call('DEL', P .. 'lost')
return { 'open' }
