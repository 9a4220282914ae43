--[[ open.lua: creates the slot when it is missing.
  command  epoch, run (the server's run id)
  Reply    opened | already-open
]]
local command = cmsgpack.unpack(ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 1 then return { 'already-open' } end
redis.call('HSET', KEYS[1], 'epoch', string.format('%.0f', command.epoch), 'run', command.run, 'state', 'open',
  'acked', '0', 'trimmed', '0')
return { 'opened' }
