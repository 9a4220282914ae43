--[[ intake.lua: request limits, the exact cache and idempotency, before a job costs the queue anything.
  ARGV[1]  epoch now job cacheKey ('' = do not look) meta hasBody 0|1 body bodyTtlMs
           count, then per limit: kind key limit perMs burst (lib/limits)
  Reply    queued (remaining resetAt)... | cached body (remaining resetAt)... | concluded outcome result|nil
           | refused index (remaining retryAt)... | unavailable | epoch-changed epoch
]]
--- include lib/slot.lua
--- include lib/cached.lua
--- include lib/jobs.lua
--- include lib/limits.lua
--- include lib/post-request.lua
local job, cacheKey, meta, hasBody, body, bodyTtlMs, count, at = struct.unpack('<sssBsdB', ARGV[1], at1)
local keys, limits = { KEYS[1], P .. 'j:' .. job, P .. 'cache:' .. cacheKey }, {}
for i = 1, count do
  local line
  line, at = readLimit(ARGV[1], at)
  limits[i] = line
  keys[3 + i] = P .. 'q:' .. line[2]
end
local found = redis.call('MGET', unpack(keys))
local shut = closed(found[1])
if shut then return shut end
local record = readJob(found[2])
if record.done ~= '' then return { 'concluded', record.done, redis.call('GET', P .. 'res:' .. job) } end
for i, line in ipairs(limits) do line[HELD_STATE] = { found[3 + i] } end

local function withStates(reply)
  for _, line in ipairs(limits) do
    local _, _, remaining, resetAt = measure(line, 0)
    reply[#reply + 1] = remaining
    reply[#reply + 1] = resetAt
  end
  return reply
end

if record.queued == 1 then return withStates({ 'queued' }) end
local refused, refusal = -1, { 'refused', -1 }
for i, line in ipairs(limits) do
  local fits, retryAt, remaining = measure(line, 1)
  if not fits and refused < 0 then refused = i - 1 end
  refusal[#refusal + 1] = remaining
  refusal[#refusal + 1] = retryAt
end
if refused >= 0 then
  postRequest(job, 'refused', limits[refused + 1][2], meta)
  refusal[2] = refused
  return refusal
end
for _, line in ipairs(limits) do
  take(line, 1)
  writeLimit(line[HELD_STATE])
end
local hit = cacheKey ~= '' and cachedBody(found[3])
if hit then
  postRequest(job, 'cached', '', meta)
  return withStates({ 'cached', hit })
end
record.queued = 1
writeJob(keys[2], record)
if hasBody == 1 then redis.call('SET', P .. 'body:' .. job, body, 'PX', int(bodyTtlMs)) end
return withStates({ 'queued' })
