--[[ reopen.lua: takes, or keeps, the right to reopen a slot that is missing or was closed because its data are in doubt.
  ARGV[1]  epoch (0 = only the right; else the slot is of this life from now on, closed and to be filled) now token
           run (the server's run id) reason (for a slot that is missing)
  Reply    claimed | open: there is nothing to do | taken: somebody else is at it | foreign: it is closed for another
           reason, such as a move
  Keeps    one at a time; one that dies loses the right after a while
]]
--- include lib/slot.lua
--- include lib/claim.lua
begin(KEYS[1], ARGV[1])
local token, run, reason = struct.unpack('<sss', ARGV[1], at1)
local slot = redis.call('GET', KEYS[1])
local holder = redis.call('GET', P .. 'reopen')
if slot and string.match(slot, '^open') then return { 'open' } end
if holder and holder ~= token then return { 'taken' } end
if slot and redis.call('EXISTS', P .. 'lost') == 0 then return { 'foreign' } end
redis.call('SET', P .. 'reopen', token, 'PX', CLAIM_MS)
if not slot then redis.call('SET', P .. 'lost', int(now) .. ' ' .. reason) end
-- Closed from here on, so that the next one that looks finds out why it is.
if not slot or EPOCH > 0 then redis.call('SET', KEYS[1], string.format('closed %s 0 0 %s', int(EPOCH), run)) end
return { 'claimed' }
