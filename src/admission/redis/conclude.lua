--[[ conclude.lua: ends a request that no attempt ends: refused, expired, cancelled, failed, answered from the cache.
  ARGV[1]  epoch now job meta, then the conclusion (lib/conclude); count, then per request limit that it does not count
           for after all: kind name limit perMs burst flags (lib/limits); when intake took from them; saved (nano-USD)
  Reply    concluded | already outcome | unavailable | epoch-changed epoch
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/limits.lua
--- include lib/give-back.lua
--- include lib/jobs.lua
--- include lib/conclude.lua
--- include lib/outbox.lua
begin(KEYS[1], ARGV[1])
local job, meta, at = struct.unpack('<ss', ARGV[1], at1)
local conclusion, count, takenAt, saved
conclusion, at = readConclusion(ARGV[1], at)
count, at = struct.unpack('<B', ARGV[1], at)
local jobAt, limits = want(P .. 'j:' .. job), {}
for i = 1, count do
  limits[i], at = readLimit(ARGV[1], at)
  wantLimit(limits[i])
end
takenAt, saved = struct.unpack('<dd', ARGV[1], at)
fetch()
local shut = closed(found[1])
if shut then return shut end
local record = recordAt(jobAt, readJob)
if not concludeJob(job, keys[jobAt], record, conclusion, {}) then return { 'already', record.done } end
for _, line in ipairs(limits) do giveBack(line, 1, 'nothing', takenAt) end
writeLimits()
postRequest(job, conclusion.outcome, conclusion.reason, meta, saved)
return { 'concluded' }
