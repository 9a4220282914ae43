--[[ conclude.lua: ends a request that no attempt ends: refused, expired, cancelled, failed, answered from the cache.
  command  job, outcome, reason, result, replyTo, resultTtlMs, meta
  Reply    concluded | already outcome | unavailable | epoch-changed epoch
]]
--- include lib/slot.lua
--- include lib/limits.lua
--- include lib/rungs.lua
--- include lib/book.lua
--- include lib/conclude.lua
local shut = closed()
if shut then return shut end
if not concludeJob(command.job, command, {}) then
  return { 'already', redis.call('HGET', P .. 'j:' .. command.job, 'done') }
end
postRequest(command.job, command.outcome, command.reason, command.meta)
return { 'concluded' }
