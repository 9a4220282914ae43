--[[ conclude.lua: ends a request that no attempt ends: refused, expired, cancelled, failed, answered from the cache.
  ARGV[1]  epoch now job meta, then the conclusion (lib/conclude)
  Reply    concluded | already outcome | unavailable | epoch-changed epoch
]]
--- include lib/slot.lua
--- include lib/jobs.lua
--- include lib/conclude.lua
--- include lib/outbox.lua
local job, meta, at = struct.unpack('<ss', ARGV[1], at1)
local found = redis.call('MGET', KEYS[1], P .. 'j:' .. job)
local shut = closed(found[1])
if shut then return shut end
local record, conclusion = readJob(found[2]), readConclusion(ARGV[1], at)
if not concludeJob(job, record, conclusion, {}) then return { 'already', record.done } end
postRequest(job, conclusion.outcome, conclusion.reason, meta)
return { 'concluded' }
