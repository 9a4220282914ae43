--[[ lib.lua: what every script of the sessions begins with. All keys share one slot.
  KEYS[1]  <prefix>:totals  hash  opened expired revoked replaced
  <prefix>:s:<id>      hash  a session (open.lua); it ends by its own time to live
  <prefix>:o:<owner>   zset  id -> its end, ms
  <prefix>:ends        zset  <owner>/<id> -> its end
  <prefix>:owners      zset  owner -> the last end of theirs
  ARGV[1]  now, ms; 0 = the server's TIME
]]
local P = string.sub(KEYS[1], 1, -7)
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function int(n) return string.format('%d', n) end
local function ofOwner(owner) return P .. 'o:' .. owner end

-- Where a session is found until it ends. An owner is listed as long as the last of theirs.
local function file(owner, id, ends)
  redis.call('ZADD', ofOwner(owner), int(ends), id)
  redis.call('ZADD', P .. 'ends', int(ends), owner .. '/' .. id)
  redis.call('ZADD', P .. 'owners', 'GT', int(ends), owner)
  redis.call('PEXPIREAT', ofOwner(owner), int(ends), 'NX')
  redis.call('PEXPIREAT', ofOwner(owner), int(ends), 'GT')
end

-- Ends a session of an owner; returns whether there was one.
local function endOf(owner, id, how)
  redis.call('DEL', P .. 's:' .. id)
  if redis.call('ZREM', P .. 'ends', owner .. '/' .. id) == 0 then return 0 end
  redis.call('ZREM', ofOwner(owner), id)
  if redis.call('EXISTS', ofOwner(owner)) == 0 then redis.call('ZREM', P .. 'owners', owner) end
  redis.call('HINCRBY', KEYS[1], how, 1)
  return 1
end
