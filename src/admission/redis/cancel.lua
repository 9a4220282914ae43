--[[ cancel.lua: flags a job, so that no later take holds for it, and tells every worker.
  ARGV[1]  epoch now job
  Reply    flagged | already outcome | unavailable | epoch-changed epoch
]]
--- include lib/slot.lua
--- include lib/jobs.lua
begin(KEYS[1], ARGV[1])
local job = struct.unpack('<s', ARGV[1], at1)
local found = redis.call('MGET', KEYS[1], P .. 'j:' .. job)
local shut = closed(found[1])
if shut then return shut end
local record = readJob(found[2])
if record.done ~= '' then return { 'already', record.done } end
record.cancelled = 1
writeJob(P .. 'j:' .. job, record)
redis.call('PUBLISH', P .. 'cancel', job)
return { 'flagged' }
