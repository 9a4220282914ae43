--[[ admit.lua: holds the most a call can cost in every budget window of the chain, or in none. (PROTOCOL 3.1, 3.2)
  ARGV[1]  epoch now attempt policy from until maxTakes ttlMs cacheKey ('' = do not look) termsAt fixedAt (positions)
           count, then per rung: gate fixedNano outputPico capTokens floorTokens until (-1) inputTokens
           terms, per window: startMs endMs limitNano marks; read only to open one or to change its limit
           fixed, what the hold keeps as it came: job, windows, limits, meta (lib/attempts)
           [from, until) is the time in which every window of the plan is open
  Reply    held rung hold cap n at acked | concluded outcome | cached body | cancelled | takes-exhausted n
           | over-budget window resumeAt left... | busy gate|limit index resumeAt | void | stale now policy
           | unavailable | epoch-changed epoch
  Keeps    law 1: no script but this adds to `held`, and only where spent + held + amount <= limit in every window
]]
--- include lib/slot.lua
--- include lib/cached.lua
--- include lib/gates.lua
--- include lib/jobs.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/rungs.lua
local attempt, policy, fromMs, untilMs, maxTakes, ttlMs, cacheKey, termsAt, fixedAt, rungCount, rungsAt =
  struct.unpack('<sdddddsddB', ARGV[1], at1)
local job, windowCount, at = struct.unpack('<sB', ARGV[1], fixedAt)
local keys = { KEYS[1], P .. 'a:' .. attempt, P .. 'j:' .. job, P .. 'gates', P .. 'cache:' .. cacheKey }
for i = 6, 5 + windowCount do
  local name
  name, at = struct.unpack('<s', ARGV[1], at)
  keys[i] = P .. 'w:' .. name
end
local limits, limitCount = {}, nil
limitCount, at = struct.unpack('<B', ARGV[1], at)
for i = 1, limitCount do
  local line
  line, at = readLimit(ARGV[1], at)
  limits[i] = line
  keys[5 + windowCount + i] = P .. 'q:' .. line[2]
end

-- All that a decision needs, at once.
local found = redis.call('MGET', unpack(keys))
local shut, acked = closed(found[1])
if shut then return shut end
if found[2] then
  local st, _, _, rung, hold, cap, n, heldAt = struct.unpack('<c1ddddddd', found[2])
  if st ~= 'H' then return { 'void' } end
  return { 'held', rung, hold, cap, n, heldAt, acked }
end
local record = readJob(found[3])
if record.done ~= '' then return { 'concluded', record.done } end
if record.cancelled == 1 then return { 'cancelled' } end
if record.n >= maxTakes then return { 'takes-exhausted', record.n } end
local hit = cacheKey ~= '' and cachedBody(found[5])
if hit then return { 'cached', hit } end

-- A plan of another time or an older policy is not judged.
local windows, newest, current = {}, policy, true
for i = 1, windowCount do
  local value = found[5 + i]
  local w = value and readWindow(value) or { '', -1 }
  windows[i] = w
  if w[POLICY] > newest then newest = w[POLICY] end
  if w[POLICY] ~= policy then current = false end
end
if now < fromMs or now >= untilMs or newest > policy then return { 'stale', now, newest } end

-- Opens missing windows and takes over the limits of a newer policy. The only place that creates a window.
if not current then
  local _
  for i, w in ipairs(windows) do
    local startMs, endMs, limit, marks
    startMs, endMs, limit, marks, termsAt = struct.unpack('<ddds', ARGV[1], termsAt)
    local fired = 0
    if w[POLICY] < 0 then
      w[SPENT], w[HELD] = 0, 0
      redis.call('ZADD', P .. 'windows', int(endMs), string.sub(keys[5 + i], #P + 3))
    end
    if w[POLICY] >= 0 then _, fired = readRest(w) end
    if w[POLICY] ~= policy then
      w[POLICY], w[LIMIT] = policy, limit
      setRest(w, fired, startMs, endMs, marks)
      redis.call('SET', keys[5 + i], windowText(w))
    end
  end
end

for i, line in ipairs(limits) do line[STATE] = found[5 + windowCount + i] end
local gates = readGates(found[4])

-- A closed gate or a full limit, the first in the plan's order.
local function busyBy(rung, offer, cap)
  local gate = gates[offer.gate] or 0
  if gate > now then return { 'busy', 'gate', rung - 1, gate } end
  for i, line in ipairs(limits) do
    local fits, retryAt = measure(line, clampAmount(line, offer[6] + cap))
    if not fits then return { 'busy', 'limit', i - 1, retryAt } end
  end
end

local soonest, offer
for rung = 1, rungCount do
  offer = {}
  offer.gate, offer[1], offer[2], offer[3], offer[4], offer[5], offer[6], rungsAt =
    struct.unpack('<sdddddd', ARGV[1], rungsAt)
  local cap = affordableCap(offer, windows)
  local busy = cap >= 0 and busyBy(rung, offer, cap)
  if cap >= 0 and not busy then
    local hold, tokens, writes = amountFor(offer, cap), offer[6] + cap, {}
    for i, w in ipairs(windows) do
      w[HELD] = w[HELD] + hold
      writes[2 * i - 1], writes[2 * i] = keys[5 + i], windowText(w)
    end
    if windowCount > 0 then redis.call('MSET', unpack(writes)) end
    for _, line in ipairs(limits) do take(line, clampAmount(line, tokens)) end
    record.n = record.n + 1
    writeJob(keys[3], record)
    local head = struct.pack('<c1dddddddd', 'H', 0, 0, rung - 1, hold, cap, record.n, now, tokens)
    redis.call('SET', keys[2], head .. string.sub(ARGV[1], fixedAt))
    redis.call('ZADD', P .. 'exp', int(now + ttlMs), attempt)
    return { 'held', rung - 1, hold, cap, record.n, now, acked }
  end
  if busy and (not soonest or busy[4] < soonest[4]) then soonest = busy end
end
if soonest then return soonest end

-- Why not even the least of the last rung fits, and when that changes.
local least = amountFor(offer, offer[5] < 0 and offer[4] or offer[3])
local reply, window, resume, never = { 'over-budget', 0, 0 }, -1, 0, false
for i, w in ipairs(windows) do
  reply[3 + i] = w[LIMIT] - w[SPENT] - w[HELD]
  local ceiling = offer[5] < 0 and w[LIMIT] or percentOf(w[LIMIT], offer[5])
  if least > ceiling then never = true end
  if w[SPENT] + w[HELD] + least > ceiling then
    if window < 0 then window = i - 1 end
    local _, _, _, endMs = readRest(w)
    resume = math.max(resume, endMs)
  end
end
reply[2], reply[3] = window, never and 0 or resume
return reply
