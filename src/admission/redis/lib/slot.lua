--[[ lib/slot.lua: what every script of the slot begins with.
  KEYS[1]  {bursar}:slot  the only declared key; every other one shares its slot and is spelt from its prefix, as keys.ts
                          does (the conformance suite holds the two equal)
  ARGV     packed by writer.ts: d double, s text that ends in NUL, B byte; ARGV[1] begins with epoch and now
           (ms; 0 = the server's TIME)
  State is one packed string a record: one MGET reads all that a decision needs, one MSET writes it back. Packed
  numbers cost a tenth of what reading and printing digits does.
    slot  text  "<open|closed> <epoch> <acked> <trimmed> <run>"
]]
local P, EPOCH, now, at1
local KEEP_MS = 259200000

-- What each call begins anew, whatever the one before it left behind: a function of Redis keeps its locals.
local anew = {}
local function eachCall(reset) anew[#anew + 1] = reset end

-- Comes first in every script.
local function begin(slotKey, head)
  P = string.sub(slotKey, 1, -5)
  EPOCH, now, at1 = struct.unpack('<dd', head)
  if now == 0 then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  for i = 1, #anew do anew[i](slotKey) end
end

-- Lua's own '%.14g' prints numbers with an exponent and loses digits; '%d' is exact to 2^53.
local function int(n) return string.format('%d', n) end

-- Returns the refusal of a slot that is missing, closed or of another epoch, else nil and the last acknowledged id.
local function closed(slot)
  local state, epoch, acked = string.match(slot or '', '^(%S+) (%d+) (%S+)')
  if state ~= 'open' then return { 'unavailable' } end
  if tonumber(epoch) ~= EPOCH then return { 'epoch-changed', tonumber(epoch) } end
  return nil, acked
end
