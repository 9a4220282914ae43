--[[ cancel.lua: flags a job, so that no later take holds for it, and tells every worker.
  command  job
  Reply    flagged | already outcome | unavailable | epoch-changed epoch
]]
--- include lib/slot.lua
local shut = closed()
if shut then return shut end
local key = P .. 'j:' .. command.job
local done = redis.call('HGET', key, 'done')
if done then return { 'already', done } end
redis.call('HSET', key, 'cancel', '1')
redis.call('PEXPIRE', key, 2 * KEEP_MS)
redis.call('PUBLISH', P .. 'cancel', command.job)
return { 'flagged' }
