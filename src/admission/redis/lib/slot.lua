--[[ lib/slot.lua: what every script of the slot begins with.
  KEYS[1]  {bursar}:slot   the only declared key; every other key shares its slot and is spelt from its prefix, as
                           keys.ts does (a test holds the two equal)
  ARGV[1]  the command, MessagePack: epoch, now (ms; 0 = the server's TIME) and the script's own fields
]]
local P = string.sub(KEYS[1], 1, -5)
local command = cmsgpack.unpack(ARGV[1])
local now = command.now
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local KEEP_MS = 259200000

-- Numbers become text without an exponent and without losing a digit: '%.14g', Lua's own, does both.
local function int(n) return string.format('%.0f', n) end

local slot = redis.call('HMGET', KEYS[1], 'state', 'epoch', 'acked')
local function closed()
  if slot[1] ~= 'open' then return { 'unavailable' } end
  if tonumber(slot[2]) ~= command.epoch then return { 'epoch-changed', tonumber(slot[2]) } end
end

-- A cached body carries the instant until which it may be served; anything unreadable is a miss.
local function cached(key)
  if key == '' then return nil end
  local value = redis.call('GET', P .. 'cache:' .. key)
  local cut = value and string.find(value, '\n', 1, true)
  local untilMs = cut and tonumber(string.sub(value, 1, cut - 1))
  if untilMs and untilMs > now then return string.sub(value, cut + 1) end
end
