--[[ open.lua: creates the slot when it is missing.
  ARGV[1]  epoch now run (the server's run id)
  Reply    opened | already-open
]]
local epoch, _, run = struct.unpack('<dds', ARGV[1])
local text = string.format('open %d 0 0 %s', epoch, run)
return { redis.call('SET', KEYS[1], text, 'NX') and 'opened' or 'already-open' }
