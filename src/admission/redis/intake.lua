--[[ intake.lua: request limits, the exact cache and idempotency, before a job costs the queue anything.
  command  job, limits (lib/limits), cacheKey ('' = do not look), meta, body (false or text ttlMs)
  Reply    queued (remaining resetAt)... | cached body (remaining resetAt)... | concluded outcome result|nil
           | refused index (remaining retryAt)... | unavailable | epoch-changed epoch
]]
--- include lib/slot.lua
--- include lib/limits.lua
--- include lib/rungs.lua
--- include lib/book.lua
local shut = closed()
if shut then return shut end
local jobKey = P .. 'j:' .. command.job
local job = redis.call('HMGET', jobKey, 'done', 'queued')
if job[1] then return { 'concluded', job[1], redis.call('GET', P .. 'res:' .. command.job) } end

local function withStates(reply)
  for _, line in ipairs(command.limits) do
    local _, _, remaining, resetAt = measure(line, 0)
    reply[#reply + 1] = remaining
    reply[#reply + 1] = resetAt
  end
  return reply
end

if job[2] then return withStates({ 'queued' }) end
local refused, seen, refusal = -1, {}, { 'refused', -1 }
for i, line in ipairs(command.limits) do
  local fits, retryAt, remaining, _, state = measure(line, 1)
  if not fits and refused < 0 then refused = i - 1 end
  seen[i] = state
  refusal[#refusal + 1] = remaining
  refusal[#refusal + 1] = retryAt
end
if refused >= 0 then
  postRequest(command.job, 'refused', command.limits[refused + 1][2], command.meta)
  refusal[2] = refused
  return refusal
end
for i, line in ipairs(command.limits) do take(line, 1, seen[i]) end
local hit = cached(command.cacheKey)
if hit then
  postRequest(command.job, 'cached', '', command.meta)
  return withStates({ 'cached', hit })
end
redis.call('HSET', jobKey, 'queued', '1')
redis.call('PEXPIRE', jobKey, 2 * KEEP_MS)
if command.body then
  redis.call('SET', P .. 'body:' .. command.job, command.body.text, 'PX', int(command.body.ttlMs))
end
return withStates({ 'queued' })
