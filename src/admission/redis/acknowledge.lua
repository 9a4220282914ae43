--[[ acknowledge.lua: marks what the ledger has and trims it from the outbox. (PROTOCOL 3.8.3)
  command  watermark <ms>-<seq>
  Reply    acknowledged | unavailable | epoch-changed epoch
  Keeps    acked never goes back; only what is at or before the watermark is removed
]]
--- include lib/slot.lua
local shut = closed()
if shut then return shut end
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-?(%d*)$')
  return tonumber(ms), tonumber(seq ~= '' and seq or '0')
end
local ms, seq = parts(command.watermark)
local ackedMs, ackedSeq = parts(slot[3])
if ms > ackedMs or (ms == ackedMs and seq > ackedSeq) then
  redis.call('HSET', KEYS[1], 'acked', command.watermark, 'trimmed', command.watermark)
  redis.call('XTRIM', P .. 'out', 'MINID', int(ms) .. '-' .. int(seq + 1))
end
return { 'acknowledged' }
