--[[ lib/conclude.lua: ends a request, first one wins (concludeJob of model/book.ts).
  j:<job>  hash  queued, cancel, n, done
]]
local function touchJob(key) redis.call('PEXPIRE', key, 2 * KEEP_MS) end

-- Returns false when it had ended before.
local function concludeJob(job, conclusion, left)
  local key = P .. 'j:' .. job
  if redis.call('HSETNX', key, 'done', conclusion.outcome) == 0 then return false end
  touchJob(key)
  local stored = {}
  for i, amount in ipairs(left) do stored[i] = int(amount) end
  local text = table.concat(stored, ',') .. '\n' .. conclusion.result
  redis.call('SET', P .. 'res:' .. job, text, 'PX', int(conclusion.resultTtlMs))
  if conclusion.hasBody then redis.call('DEL', P .. 'body:' .. job) end
  if conclusion.replyTo ~= '' then
    redis.call('PUBLISH', P .. 'reply:' .. conclusion.replyTo, job .. '\n' .. text)
  end
  return true
end
