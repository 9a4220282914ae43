--[[ acknowledge.lua: marks what the ledger has and trims it from the outbox. (PROTOCOL 3.8.3)
  ARGV[1]  epoch now watermark <ms>-<seq>
  Reply    acknowledged | unavailable | epoch-changed epoch
  Keeps    acked never goes back; only what is at or before the watermark is removed
]]
--- include lib/slot.lua
--- include lib/outbox-ids.lua
begin(KEYS[1], ARGV[1])
local slot = redis.call('GET', KEYS[1])
local shut, acked = closed(slot)
if shut then return shut end
local watermark = struct.unpack('<s', ARGV[1], at1)
if isAfter(watermark, acked) then
  local run = string.match(slot, '(%S*)$')
  redis.call('SET', KEYS[1], string.format('open %d %s %s %s', EPOCH, watermark, watermark, run))
  local ms, seq = idParts(watermark)
  redis.call('XTRIM', P .. 'out', 'MINID', int(ms) .. '-' .. int(seq + 1))
end
return { 'acknowledged' }
