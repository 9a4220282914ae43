--[[ acknowledge.lua: marks what the ledger has and trims it from the outbox. (PROTOCOL 3.8.3)
  ARGV[1]  epoch now watermark <ms>-<seq>
  Reply    acknowledged | unavailable | epoch-changed epoch
  Keeps    acked never goes back; only what is at or before the watermark is removed
]]
--- include lib/slot.lua
local slot = redis.call('GET', KEYS[1])
local shut, acked = closed(slot)
if shut then return shut end
local watermark = struct.unpack('<s', ARGV[1], at1)
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-?(%d*)$')
  return tonumber(ms), tonumber(seq ~= '' and seq or '0')
end
local ms, seq = parts(watermark)
local ackedMs, ackedSeq = parts(acked)
if ms > ackedMs or (ms == ackedMs and seq > ackedSeq) then
  local run = string.match(slot, '(%S*)$')
  redis.call('SET', KEYS[1], string.format('open %d %s %s %s', EPOCH, watermark, watermark, run))
  redis.call('XTRIM', P .. 'out', 'MINID', int(ms) .. '-' .. int(seq + 1))
end
return { 'acknowledged' }
