--[[ admit.lua: holds the most a call can cost in every budget window of the chain, or in none. (PROTOCOL 3.1, 3.2)
  command  attempt, job, policy, windows { key, startMs, endMs, limitNano, marks }, rungs (lib/rungs), limits
           (lib/limits), cacheKey ('' = do not look), maxTakes, ttlMs, meta
  Reply    held rung hold cap n at acked expires | concluded outcome | cached body | cancelled | takes-exhausted n
           | over-budget window resumeAt left... | busy gate|limit index resumeAt | void | stale now policy
           | unavailable | epoch-changed epoch
  Keeps    law 1: no script but this adds to `held`, and only where spent + held + amount <= limit in every window
]]
--- include lib/slot.lua
--- include lib/limits.lua
--- include lib/rungs.lua
--- include lib/book.lua
local function heldReply(record, expires)
  return { 'held', record.rung, record.hold, record.cap, record.n, record.at, slot[3], expires }
end

local shut = closed()
if shut then return shut end
local state = redis.call('HGET', P .. 'a:' .. command.attempt, 'st')
if state == 'H' then
  local expires = redis.call('ZSCORE', P .. 'exp', command.attempt)
  return heldReply(readAttempt(command.attempt), tonumber(expires))
end
if state then return { 'void' } end
local jobKey = P .. 'j:' .. command.job
local job = redis.call('HMGET', jobKey, 'done', 'cancel', 'n')
if job[1] then return { 'concluded', job[1] } end
if job[2] then return { 'cancelled' } end
local takes = tonumber(job[3] or '0')
if takes >= command.maxTakes then return { 'takes-exhausted', takes } end
local hit = cached(command.cacheKey)
if hit then return { 'cached', hit } end

-- A plan of another time or an older policy is not judged.
local views, newest, outside = {}, command.policy, false
for i, line in ipairs(command.windows) do
  if now < line[2] or now >= line[3] then outside = true end
  local w = redis.call('HMGET', P .. 'w:' .. line[1], 'policy', 'limit', 'spent', 'held', 'fired')
  local policy = tonumber(w[1] or '0')
  if policy > newest then newest = policy end
  views[i] = { policy = policy, limit = tonumber(w[2]), used = w[3] and w[3] + w[4] or 0, fired = w[5] }
end
if outside or newest > command.policy then return { 'stale', now, newest } end

-- Opens missing windows and takes over the limits of a newer policy. The only place that creates a window.
for i, line in ipairs(command.windows) do
  local view, key = views[i], P .. 'w:' .. line[1]
  if not view.limit then
    redis.call('HSET', key, 'limit', int(line[4]), 'policy', int(command.policy), 'spent', '0', 'held', '0',
      'start', int(line[2]), 'end', int(line[3]), 'fired', '0', 'marks', line[5],
      'next', int(nextMark(line[5], line[4], 0)))
    redis.call('PEXPIRE', key, int(line[3] - now + 2 * KEEP_MS))
    redis.call('ZADD', P .. 'windows', int(line[3]), line[1])
    view.limit = line[4]
  elseif command.policy > view.policy then
    redis.call('HSET', key, 'limit', int(line[4]), 'policy', int(command.policy), 'marks', line[5],
      'next', int(nextMark(line[5], line[4], tonumber(view.fired))))
    view.limit = line[4]
  end
end

local gates = {}
for i, offer in ipairs(command.rungs) do gates[i] = P .. 'gate:' .. offer[1] end
gates = redis.call('MGET', unpack(gates))

local function limitAmount(line, offer, cap)
  if line[1] == 'c' then return 1 end
  return clampAmount(line, offer[7] + cap)
end

-- A closed gate or a full limit, the first in the plan's order; else what `take` wants to know.
local function busyBy(rung, offer, cap)
  local gate = tonumber(gates[rung] or '0')
  if gate > now then return { 'busy', 'gate', rung - 1, gate } end
  local seen = {}
  for i, line in ipairs(command.limits) do
    local fits, retryAt, _, _, state = measure(line, limitAmount(line, offer, cap))
    if not fits then return { 'busy', 'limit', i - 1, retryAt } end
    seen[i] = state
  end
  return nil, seen
end

local function hold(rung, offer, cap, seen)
  local record = { st = 'H', rev = 0, booked = 0, meta = command.meta, job = command.job, rung = rung - 1,
    hold = amountFor(offer, cap), cap = cap, n = takes + 1, at = now, windows = {}, limits = {} }
  for i, line in ipairs(command.windows) do
    redis.call('HINCRBY', P .. 'w:' .. line[1], 'held', int(record.hold))
    record.windows[i] = line[1]
  end
  for i, line in ipairs(command.limits) do
    local amount = limitAmount(line, offer, cap)
    take(line, amount, seen[i])
    record.limits[i] = { line[1], line[2], line[3], line[4], line[5], amount }
  end
  redis.call('HSET', jobKey, 'n', int(record.n))
  redis.call('PEXPIRE', jobKey, 2 * KEEP_MS)
  createAttempt(command.attempt, record)
  local expires = now + command.ttlMs
  redis.call('ZADD', P .. 'exp', int(expires), command.attempt)
  return heldReply(record, expires)
end

local soonest
for rung, offer in ipairs(command.rungs) do
  local cap = affordableCap(offer, views)
  if cap >= 0 then
    local busy, seen = busyBy(rung, offer, cap)
    if not busy then return hold(rung, offer, cap, seen) end
    if not soonest or busy[4] < soonest[4] then soonest = busy end
  end
end
if soonest then return soonest end

-- Why not even the least of the last rung fits, and when that changes.
local last = command.rungs[#command.rungs]
local least = amountFor(last, last[6] < 0 and last[5] or last[4])
local reply, window, resume, never = { 'over-budget', 0, 0 }, -1, 0, false
for i, view in ipairs(views) do
  reply[#reply + 1] = view.limit - view.used
  local ceiling = ceilingOf(last, view)
  if least > ceiling then never = true end
  if view.used + least > ceiling then
    if window < 0 then window = i - 1 end
    resume = math.max(resume, command.windows[i][3])
  end
end
reply[2], reply[3] = window, never and 0 or resume
return reply
