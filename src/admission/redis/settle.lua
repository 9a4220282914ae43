--[[ settle.lua: replaces holds by what is known of the calls, and ends the requests with them; one command after the
  other, as many as one process knows at once. (PROTOCOL 3.5)
  ARGV[1]  epoch now
  ARGV[2..] a command each (the caller bounds the loop):
           attempt kind settled|unconfirmed flight ('' = none) cost at hold tokens outputTokens (of them; -1 = unknown) detail concludes 0|1 caches 0|1 gates 0|1
           fixedAt (position); then as far as they are 1: conclusion (lib/conclude); cache key, body, ttlMs, staleForMs, lastForMs, cost (lib/cached); gate,
           untilMs; last what the hold was asked with (lib/attempts), for a record that is gone or forgot its meta
  Reply    per command: settled|adjusted|unchanged|orphan digits (booked overrun concluded) followers... | too-old
           | unavailable | epoch-changed epoch
  Keeps    laws 3 and 4: the counter moves in the step that appends the posting; a second settlement moves nothing
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/batch.lua
--- include lib/gates.lua
--- include lib/jobs.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/give-back.lua
--- include lib/attempts.lua
--- include lib/outbox.lua
--- include lib/book.lua
--- include lib/conclude.lua
--- include lib/flights.lua
--- include lib/cached.lua
local function readCommand(packed)
  local attempt, kind, flight, cost, heldAt, hold, tokens, output, detail, concludes, caches, gates, fixedAt, at =
    struct.unpack('<sssdddddsBBBd', packed)
  local job = struct.unpack('<s', packed, fixedAt)
  local used = tokens >= 0 and { total = tokens, output = output >= 0 and output or nil } or nil
  return { packed = packed, attempt = attempt, kind = kind, cost = cost, at = heldAt, hold = hold, used = used,
    detail = detail, concludes = concludes, caches = caches, gates = gates, fixedAt = fixedAt, restAt = at, job = job,
    held = want(P .. 'a:' .. attempt), jobAt = want(P .. 'j:' .. job),
    flight = flight ~= '' and want(P .. 'f:' .. flight) }
end

-- The record of an attempt that nobody holds, made of what its caller knows.
local function orphanOf(c)
  local head = { st = c.kind == 'settled' and 'S' or 'U', rev = 0, booked = 0, rung = 0, hold = c.hold, cap = 0, n = 0,
    at = c.at, tokens = 0 }
  return readAttempt(headText(head) .. string.sub(c.packed, c.fixedAt))
end

-- The chains of all that is to be settled, at once.
local function fetchChains(commands)
  for _, c in ipairs(commands) do
    local record = recordAt(c.held, readAttempt)
    if not record or record.st == 'R' then c.orphan = orphanOf(c) end
    wantChain(c.orphan or record)
  end
  fetch()
end

-- Whether a window has a limit that must not be passed; one that is gone has nothing to pass.
local function mayRefuse(at)
  return termsOf(windowAt(at)).warn == 0
end

-- Returns outcome, posting kind or nil, delta, overrun, left, marked, record; nothing when it is too late to book.
local function book(c)
  local record, kind = records[c.held], c.kind
  if not record or record.st == 'R' then
    if now - c.at > KEEP_MS then return nil end
    local amount, rev = kind == 'settled' and c.cost or c.hold, record and record.rev or 0
    record = c.orphan
    records[c.held], record.rev, record.booked = record, rev, amount
    local left, marked = move(record, amount, 0)
    local over = 0
    for i, rest in ipairs(left) do
      if rest < 0 and mayRefuse(record.windowsAt[i]) then over = math.max(over, math.min(-rest, amount)) end
    end
    return 'orphan', kind, amount, over, left, marked, record
  end
  if record.st == 'H' then
    local delta, over, left, marked = bookHold(c.attempt, record, kind, c.cost, c.used)
    return 'settled', kind, delta, over, left, marked, record
  end
  if record.st == 'U' and kind == 'settled' then
    local delta = c.cost - record.booked
    record.st, record.booked = 'S', c.cost
    local left, marked = move(record, delta, 0)
    return 'adjusted', 'adjustment', delta, math.max(c.cost - record.hold, 0), left, marked, record
  end
  return 'unchanged', nil, 0, 0, (move(record, 0, 0)), nil, record
end

local function settle(c)
  local outcome, posting, delta, over, left, marked, record = book(c)
  if not outcome then return { 'too-old' } end
  if record.meta == '' then record.meta = orphanOf(c).meta end
  local conclusion, concluded, at = nil, false, c.restAt
  if c.concludes == 1 then
    conclusion, at = readConclusion(c.packed, at)
    concluded = concludeJob(c.job, keys[c.jobAt], recordAt(c.jobAt, readJob), conclusion, left)
  end
  if posting then
    post(c.attempt, record, posting, delta, over, c.detail, concluded and conclusion.outcome or '')
    endAttempt(keys[c.held], record)
  elseif concluded then
    postRequest(c.job, conclusion.outcome, conclusion.reason, record.meta)
  end
  raiseMarks(marked)
  if c.caches == 1 then
    local key, body, keep = '', '', { attempt = c.attempt }
    key, body, keep.ttl, keep.staleFor, keep.lastFor, keep.cost, at = struct.unpack('<ssdddd', c.packed, at)
    if concluded then keepAnswer(key, body, keep) end
  end
  if c.gates == 1 then
    local key, untilMs = struct.unpack('<sd', c.packed, at)
    closeGate(key, untilMs)
  end
  local digits = string.format('%d %d %d', record.booked, over, concluded and 1 or 0)
  return endFlight(c.flight, c.attempt, { outcome, digits })
end

local function run(KEYS, ARGV)
  local replies = answerEach(KEYS, ARGV, readCommand, settle, fetchChains)
  writeBooked()
  return replies
end

return run(KEYS, ARGV)
