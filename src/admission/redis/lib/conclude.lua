--[[ lib/conclude.lua: ends a request, first one wins (concludeJob of model/book.ts). Needs jobs.
  res:<job>  "<left in each window, nano, comma separated; `left+credit` where something was granted>\n<result>"
]]
local function readConclusion(packed, at)
  local outcome, reason, result, replyTo, resultTtlMs, hasBody, after = struct.unpack('<ssssdB', packed, at)
  return { outcome = outcome, reason = reason, result = result, replyTo = replyTo, resultTtlMs = resultTtlMs,
    hasBody = hasBody }, after
end

-- Returns false when it had ended before.
local function concludeJob(job, key, record, conclusion, left)
  if record.done ~= '' then return false end
  record.done = conclusion.outcome
  writeJob(key, record)
  local amounts, credits = {}, left.credits or {}
  for i, amount in ipairs(left) do
    amounts[i] = int(amount) .. (credits[i] and credits[i] > 0 and '+' .. int(credits[i]) or '')
  end
  local text = table.concat(amounts, ',') .. '\n' .. conclusion.result
  redis.call('SET', P .. 'res:' .. job, text, 'PX', int(conclusion.resultTtlMs))
  if conclusion.hasBody == 1 then redis.call('DEL', P .. 'body:' .. job) end
  if conclusion.replyTo ~= '' then
    redis.call('PUBLISH', P .. 'reply:' .. conclusion.replyTo, job .. '\n' .. text)
  end
  return true
end
