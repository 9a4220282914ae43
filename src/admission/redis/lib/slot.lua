--[[ lib/slot.lua: what every script of the slot begins with.
  KEYS[1]  {bursar}:slot  the only declared key; every other one shares its slot and is spelt from its prefix, as keys.ts
                          does (the conformance suite holds the two equal)
  ARGV     packed by writer.ts: d double, s text that ends in NUL, B byte; ARGV[1] begins with epoch and now
           (ms; 0 = the server's TIME)
  State is one packed string a record: one MGET reads all that a decision needs, one MSET writes it back. Packed
  numbers cost a tenth of what reading and printing digits does.
    slot  text  "<open|closed> <epoch> <acked> <trimmed> <run>"
]]
local P = string.sub(KEYS[1], 1, -5)
local EPOCH, now, at1 = struct.unpack('<dd', ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local KEEP_MS = 259200000

-- Lua's own '%.14g' prints numbers with an exponent and loses digits; '%d' is exact to 2^53.
local function int(n) return string.format('%d', n) end

-- Returns the refusal of a slot that is missing, closed or of another epoch, else nil and the last acknowledged id.
local function closed(slot)
  local state, epoch, acked = string.match(slot or '', '^(%S+) (%d+) (%S+)')
  if state ~= 'open' then return { 'unavailable' } end
  if tonumber(epoch) ~= EPOCH then return { 'epoch-changed', tonumber(epoch) } end
  return nil, acked
end
