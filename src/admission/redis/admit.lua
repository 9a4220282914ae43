--[[ admit.lua: holds the most a call can cost in every budget window of its chain, or in none; one command after the
  other, as many as one process asks for at once. (PROTOCOL 3.1, 3.2)
  ARGV[1]  epoch now
  ARGV[2..] a command each (the caller bounds the loop):
           attempt policy from until maxTakes ttlMs cacheKey ('' = do not look) known accepts (lib/cached; + 4 = joins nobody) termsAt fixedAt (positions)
           priority queue ('' = none) flow ('' = taken the first time) cost weight (lib/fair)
           count, then per chain: windows that may refuse, windows that only count, limits (count, positions in the
           plan from 0), from to (its part of fixed)
           count, then per rung: gate fixedNano outputPico capTokens floorTokens until (-1) inputTokens chain (0 = all)
           terms, per window: startMs endMs limitNano warn-only marks; read only to open one or to change its limit
           fixed, what the hold keeps as it came: job, windows, limits, meta (lib/attempts); of each chain, then of all
           [from, until) is the time in which every window of the plan is open
  Reply    per command: held digits (rung hold cap n at) acked unreadable (budget|gate|limit index)... per rung above | concluded outcome
           | cached body paidBy digits (lib/cached) joined | joined until attempt | cancelled
           | late priority | takes-exhausted n | over-budget window resumeAt limit left... | busy gate|limit index resumeAt (limit: remaining resetAt) | void
           | stale now policy | unavailable | epoch-changed epoch
  Keeps    law 1: no script but this adds to `held`, and only where spent + held + amount <= limit in every window
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/cached.lua
--- include lib/gates.lua
--- include lib/jobs.lua
--- include lib/flights.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/rungs.lua
--- include lib/chains.lua
--- include lib/fair.lua
--- include lib/enter-windows.lua
-- Of the call under way: closed gates, the last id that the ledger has, and what is to be written at the end.
local gates, acked, writes, expiries

-- Which kept answer will do; 0 = none.
local UP_TO = { [1] = 'fresh', [2] = 'stale' }
local ALONE = 4

local function lookOf(key, known, accepts)
  return key ~= '' and accepts > 0 and { key = key, at = want(P .. 'cache:' .. key), known = known, has = '' }
end

-- Reads one command, and says what it needs to know.
local function readCommand(packed)
  local attempt, policy, fromMs, untilMs, maxTakes, ttlMs, cacheKey, known, accepts, termsAt, fixedAt, priority, queue,
    flow, cost, weight, chainCount, chainsAt = struct.unpack('<sdddddssBdddssddB', packed)
  local joins = accepts < ALONE
  if not joins then accepts = accepts - ALONE end
  local windows, limits = {}, {}
  local job, count, at = struct.unpack('<sB', packed, fixedAt)
  local name, line
  for i = 1, count do
    name, at = struct.unpack('<s', packed, at)
    windows[i] = want(P .. 'w:' .. name)
  end
  count, at = struct.unpack('<B', packed, at)
  for i = 1, count do
    line, at = readLimit(packed, at)
    wantLimit(line)
    limits[i] = line
  end
  return { packed = packed, attempt = attempt, policy = policy, fromMs = fromMs, untilMs = untilMs, ttlMs = ttlMs,
    maxTakes = maxTakes, termsAt = termsAt, fixedAt = fixedAt, chainCount = chainCount, chainsAt = chainsAt,
    turn = askOf(queue, flow, cost, weight), priority = priority, windows = windows, limits = limits, held = want(P .. 'a:' .. attempt), job = want(P .. 'j:' .. job), id = job,
    accepts = UP_TO[accepts], look = lookOf(cacheKey, known, accepts),
    flight = joins and cacheKey ~= '' and want(P .. 'f:' .. cacheKey) }
end

-- A closed gate or a full limit, the first in the plan's order.
local function busyBy(chain, rung, offer, cap)
  local gate = gates[offer[7]] or 0
  if gate > now then return { 'busy', 'gate', rung - 1, gate } end
  for i, line in ipairs(chain.limits) do
    local fits, retryAt, remaining, resetAt = measure(line, heldAmount(line, offer[6], cap))
    if not fits then
      return { 'busy', 'limit', chain.places and chain.places[i] or i - 1, retryAt, remaining, resetAt }
    end
  end
end

-- Why a rung does not serve, and its place in the plan.
local function passedBy(chain, offer, busy)
  if busy then return busy[2], busy[3] end
  local tightest = tightestOf(offer, chain.windows)
  return 'budget', chain.windowPlaces and chain.windowPlaces[tightest] or tightest - 1
end

local function heldReply(rung, amount, cap, n, heldAt, unreadable, passed)
  local digits = string.format('%d %d %d %d %d', rung, amount, cap, n, heldAt)
  if passed then return { 'held', digits, acked, unreadable or '', unpack(passed) } end
  return { 'held', digits, acked, unreadable or '' }
end

local function hold(c, chain, job, rung, offer, cap, passed)
  local amount = amountFor(offer, cap)
  local windows, keysAt = chain.windows, chain.keysAt
  for i = 1, #windows do
    local w = windows[i]
    w[HELD] = w[HELD] + amount
    changed[keysAt[i]] = w
  end
  if chain.watched then
    for i, w in ipairs(chain.watched) do
      w[HELD] = w[HELD] + amount
      changed[chain.watchedAt[i]] = w
    end
  end
  for _, line in ipairs(chain.limits) do take(line, heldAmount(line, offer[6], cap)) end
  job.n = job.n + 1
  writeJob(keys[c.job], job)
  local head = struct.pack('<c1dddddddd', 'H', 0, 0, rung - 1, amount, cap, job.n, now, offer[6] + cap)
  found[c.held] = head .. string.sub(c.packed, chain.from, chain.to)
  writes[#writes + 1], writes[#writes + 2] = keys[c.held], found[c.held]
  expiries[#expiries + 1], expiries[#expiries + 2] = int(now + c.ttlMs), c.attempt
  beginFlight(c.flight, c.attempt, c.id, c.ttlMs)
  return heldReply(rung - 1, amount, cap, job.n, now, c.unreadable, passed)
end

-- End of a window that never rolls (FOREVER_MS of commands.ts).
local ENDLESS = 253402214400000

-- Why not even the least of the last rung fits, and when that changes.
local function overBudget(windows, offer, governs)
  local least = amountFor(offer, offer[5] < 0 and offer[4] or offer[3])
  local reply, window, resume, never = { 'over-budget', 0, 0, 0 }, -1, 0, false
  for i, w in ipairs(windows) do
    reply[4 + i] = w[LIMIT] - w[SPENT] - w[HELD]
    local ceiling = offer[5] < 0 and w[LIMIT] or percentOf(w[LIMIT], offer[5])
    local mine = not governs or governs[i]
    if mine and least > ceiling then never = true end
    if mine and w[SPENT] + w[HELD] + least > ceiling then
      if window < 0 then window, reply[4] = i - 1, w[LIMIT] end
      local _, _, _, endMs = readRest(w)
      if endMs >= ENDLESS then never = true end
      resume = math.max(resume, endMs)
    end
  end
  reply[2], reply[3] = window, never and 0 or resume
  return reply
end

local function served(hit, joined)
  local reply = tellAnswer(hit, { 'cached' })
  reply[#reply + 1] = joined
  return reply
end

local function admit(c)
  local held = found[c.held]
  if held then
    local st, _, _, rung, amount, cap, n, heldAt = struct.unpack('<c1ddddddd', held)
    if st ~= 'H' then return { 'void' } end
    return heldReply(rung, amount, cap, n, heldAt)
  end
  if c.turn then moveTurns(c.turn, c.priority) end
  local job = recordAt(c.job, readJob)
  if job.done ~= '' then return { 'concluded', job.done } end
  if job.cancelled == 1 then return { 'cancelled' } end
  if job.n >= c.maxTakes then return { 'takes-exhausted', job.n } end
  local hit
  hit, c.unreadable = findAnswer(c.look, c.accepts)
  if hit then
    claimRefresh(c.look, hit)
    return served(hit, job.joined)
  end
  local joined = c.accepts and joinFlight(c.flight, c.job, c.id, job)
  if joined then return joined end
  local late = c.turn and lateReply(c.turn, c.priority)
  if late then return late end

  -- A plan of another time or an older policy is not judged.
  local windows, newest, current = {}, c.policy, true
  for i, at in ipairs(c.windows) do
    local w = windowAt(at)
    windows[i] = w
    if w[POLICY] > newest then newest = w[POLICY] end
    if w[POLICY] ~= c.policy then current = false end
  end
  if now < c.fromMs or now >= c.untilMs or newest > c.policy then return { 'stale', now, newest } end
  if not current then enterWindows(c, windows) end
  for _, line in ipairs(c.limits) do holdLimit(line) end

  local soonest, passed, offer, chain
  local chains, rungCount, at = readChains(c, windows)
  for rung = 1, rungCount do
    local gate, fixed, pico, most, floor, untilPercent, input, number, after =
      struct.unpack('<sddddddB', c.packed, at)
    offer, at, chain = { fixed, pico, most, floor, untilPercent, input, gate }, after, chains[number]
    local cap = affordableCap(offer, chain.windows)
    local busy = cap >= 0 and busyBy(chain, rung, offer, cap)
    if cap >= 0 and not busy then return hold(c, chain, job, rung, offer, cap, passed) end
    passed = passed or {}
    passed[#passed + 1], passed[#passed + 2] = passedBy(chain, offer, busy)
    if busy and (not soonest or busy[4] < soonest[4]) then soonest = busy end
  end
  -- Nobody who has the money was asked: an old answer is better than none.
  local last = not soonest and c.accepts == 'stale' and findAnswer(c.look, 'last')
  if last then return served(last, '') end
  return soonest or overBudget(windows, offer, chain.governs)
end

local function run(KEYS, ARGV)
  begin(KEYS[1], ARGV[1])
  local commands, replies, gatesAt = {}, {}, want(P .. 'gates')
  for i = 2, #ARGV do commands[i - 1] = readCommand(ARGV[i]) end
  -- All that the decisions need, at once. What one command changes, the next one sees; it is written at the end.
  fetch()
  local shut
  shut, acked = closed(found[1])
  gates, writes, expiries = readGates(found[gatesAt]), {}, { P .. 'exp' }
  for i, c in ipairs(commands) do replies[i] = shut or admit(c) end
  writeWindows(writes)
  writeLimits()
  writeFairness()
  if #expiries > 1 then redis.call('ZADD', unpack(expiries)) end
  return replies
end

return run(KEYS, ARGV)
