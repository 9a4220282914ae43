--[[ intake.lua: request limits, the exact cache and idempotency, before a job costs the queue anything; one command after
  the other, as many as one process asks for at once.
  ARGV[1]  epoch now
  ARGV[2..] a command each (the caller bounds the loop):
           job cacheKey ('' = do not look) known has (lib/cached) meta hasBody 0|1 body bodyTtlMs; queue ('' = none) flow cost weight (lib/fair)
           count, then per limit: kind name limit perMs burst flags (lib/limits); count, then names of windows to tell of
  Reply    per command: queued digits | cached body paidBy digits | concluded outcome result|nil | refused digits
           | unavailable | epoch-changed epoch
           digits    integers between blanks, one text: queued countedAt (0 = before) priority states; cached freshFor refresh
                     cost (lib/cached) states windows; refused index states
           states    per limit: remaining resetAt (of a refusal retryAt where it is full)
           windows   per window: limit left; -1 0 = nobody has held against it
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/batch.lua
--- include lib/cached.lua
--- include lib/jobs.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/outbox.lua
--- include lib/fair.lua
local function readCommand(packed)
  local job, cacheKey, known, has, meta, hasBody, body, bodyTtlMs, queue, flow, cost, weight, count, at =
    struct.unpack('<sssssBsdssddB', packed)
  local limits = {}
  for i = 1, count do
    limits[i], at = readLimit(packed, at)
    wantLimit(limits[i])
  end
  local look = cacheKey ~= '' and { key = cacheKey, at = want(P .. 'cache:' .. cacheKey), known = known, has = has }
  return { job = job, jobAt = want(P .. 'j:' .. job), look = look,
    packed = packed, windowsAt = at, meta = meta, hasBody = hasBody, body = body, bodyTtlMs = bodyTtlMs, limits = limits,
    turn = askOf(queue, flow, cost, weight) }
end

-- One text of digits costs both ends less than as many numbers. A blank comes before each: others stand before them.
local function digits(numbers) return string.format(string.rep(' %d', #numbers), unpack(numbers)) end

local function statesOf(c)
  local states = {}
  for i, line in ipairs(c.limits) do
    local _, _, remaining, resetAt = measure(line, 0)
    states[2 * i - 1], states[2 * i] = remaining, resetAt
  end
  return digits(states)
end

-- How windows stand, by their names as they came: nothing moves them here, and many hits are told of the same.
local standing
eachCall(function() standing = {} end)

local function standingOf(names)
  local count, at = struct.unpack('<B', names)
  local windows, told, name = {}, {}, nil
  for i = 1, count do
    name, at = struct.unpack('<s', names, at)
    windows[i] = want(P .. 'w:' .. name)
  end
  fetch()
  for i, place in ipairs(windows) do
    local w = windowAt(place)
    local known = w[POLICY] >= 0
    told[2 * i - 1], told[2 * i] = known and w[LIMIT] or -1, known and w[LIMIT] - w[SPENT] - w[HELD] or 0
  end
  standing[names] = digits(told)
  return standing[names]
end

-- What a hit is told beside the answer: those who miss ask for no windows.
local function told(c, hit)
  local names, reply = string.sub(c.packed, c.windowsAt), tellAnswer(hit, { 'cached' })
  reply[#reply] = reply[#reply] .. statesOf(c) .. (standing[names] or standingOf(names))
  return reply
end

local function queued(countedAt, priority, c)
  return { 'queued', string.format('%d %d', countedAt, priority) .. statesOf(c) }
end

local function intake(c)
  local record = recordAt(c.jobAt, readJob)
  if record.done ~= '' then return { 'concluded', record.done, redis.call('GET', P .. 'res:' .. c.job) } end
  for _, line in ipairs(c.limits) do holdLimit(line) end
  if record.queued == 1 then return queued(0, c.turn and nextTurn(c.turn) or 0, c) end
  local hit = findAnswer(c.look, 'stale')
  local refused, states = -1, {}
  for i, line in ipairs(c.limits) do
    local fits, retryAt, remaining, resetAt = measure(line, 1)
    fits = fits or hit and line[FREE]
    if not fits and refused < 0 then refused = i - 1 end
    states[2 * i - 1], states[2 * i] = remaining, fits and resetAt or retryAt
  end
  if refused >= 0 then
    postRequest(c.job, 'refused', keyOfLimit(c.limits[refused + 1]), c.meta)
    return { 'refused', int(refused) .. digits(states) }
  end
  for _, line in ipairs(c.limits) do
    if not (hit and line[FREE]) then take(line, 1) end
  end
  if hit then
    postRequest(c.job, 'cached', hit.attempt, c.meta, hit.cost)
    claimRefresh(c.look, hit)
    return told(c, hit)
  end
  record.queued = 1
  writeJob(keys[c.jobAt], record)
  if c.hasBody == 1 then redis.call('SET', P .. 'body:' .. c.job, c.body, 'PX', int(c.bodyTtlMs)) end
  return queued(now, c.turn and takeTurn(c.turn) or 0, c)
end

local function run(KEYS, ARGV)
  local replies = answerEach(KEYS, ARGV, readCommand, intake)
  writeLimits()
  writeFairness()
  return replies
end

return run(KEYS, ARGV)
