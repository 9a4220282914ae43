--[[ restore.lua: puts records into a slot that its move, or the process that reopens it, has claimed. Writing one again
  changes nothing.
  ARGV[1]  epoch now claim (the move's id, or the reopener's token)
  ARGV[2..] a record each (the caller bounds the loop); its first byte says what it is:
           w  key, policy limit spent fired start end warn, marks, count, per credit: id amount until
           a  attempt, st, rev booked rung hold cap n at ttl, job, count, windows...: one that has ended
           j  job, cancelled queued n ttl, outcome or ''; the calls it waited for: joins, the last of them
           s  limit's name (lib/limits), ms of a step, sum step, count, then per step, the earliest first: step amount
           f  limit's name, period (ms), start of the window, count
           b  limit's name, theoretical arrival time (us)
           g  gate, closed until
           v  queue, virtual mean lap clean turned due: its turns (lib/fair)
           o  queue/flow, finish ttl
           t  res|body, job, ttl, text
  Reply    restored | not-claimed: the slot is missing, open, of another epoch or claimed by another
]]
--- include lib/slot.lua
--- include lib/claim.lua
--- include lib/state.lua
--- include lib/gates.lua
--- include lib/jobs.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/attempts.lua
--- include lib/fair.lua
begin(KEYS[1], ARGV[1])
local claim = struct.unpack('<s', ARGV[1], at1)
if not isClaimed(redis.call('GET', KEYS[1]), claim) then return { 'not-claimed' } end
local restore = {}

function restore.w(packed)
  local key, policy, limit, spent, fired, startMs, endMs, warn, marks, count, at =
    struct.unpack('<sddddddBsH', packed, 2)
  local credits = {}
  for i = 1, count do
    local id, amount, untilMs
    id, amount, untilMs, at = struct.unpack('<sdd', packed, at)
    credits[i] = { id = id, amount = amount, untilMs = untilMs }
  end
  local w = { '', policy, limit, spent, 0, FOREVER }
  setTerms(w, { base = limit, credits = credits, fired = fired, startMs = startMs, endMs = endMs, warn = warn,
    marks = marks })
  redis.call('SET', P .. 'w:' .. key, windowText(w))
  redis.call('ZADD', P .. 'windows', int(endMs), key)
end

function restore.a(packed)
  local attempt, st, rev, booked, rung, hold, cap, n, heldAt, ttlMs, fixed = struct.unpack('<sc1dddddddd', packed, 2)
  local head = { st = st, rev = rev, booked = booked, rung = rung, hold = hold, cap = cap, n = n, at = heldAt, tokens = 0 }
  -- It has given back what it took from limits, and the ledger has its meta: none of either.
  redis.call('SET', P .. 'a:' .. attempt, headText(head) .. string.sub(packed, fixed) .. '\0\0', 'PX', int(ttlMs))
end

function restore.j(packed)
  local job, cancelled, queued, n, ttlMs, done, joins, joined = struct.unpack('<sBBddsBs', packed, 2)
  local key = P .. 'j:' .. job
  writeJob(key, { cancelled = cancelled, queued = queued, n = n, done = done, joins = joins, joined = joined })
  redis.call('PEXPIRE', key, int(ttlMs))
end

-- As much of a line as writing its state needs.
local function limitLine(kind, name, perMs)
  local line = { kind, name, 0, perMs }
  wantLimit(line)
  return line
end

function restore.s(packed)
  local key, stepMs, sum, step, count, at = struct.unpack('<sdddB', packed, 2)
  local line, earlier, ofStep, high = limitLine('s', key, stepMs * STEPS), {}, 0, -1
  for _ = 1, count do
    local of, amount
    of, amount, at = struct.unpack('<dd', packed, at)
    high = of
    if of == step then ofStep = amount else earlier[#earlier + 1] = struct.pack(EARLIER, of, amount) end
  end
  writeSteps(line, { sum = sum, step = step, amount = ofStep, high = high, earlier = table.concat(earlier) })
end

function restore.f(packed)
  local key, perMs, start, count = struct.unpack('<sddd', packed, 2)
  local line = limitLine('f', key, perMs)
  if start + perMs > now then writePeriod(line, { start = start, count = count }) end
end

function restore.b(packed)
  local key, arrivalUs = struct.unpack('<sd', packed, 2)
  local px = math.ceil((arrivalUs - now * 1000) / 1000)
  if px > 0 then redis.call('SET', P .. 'q:' .. key, int(arrivalUs), 'PX', int(px)) end
end

function restore.g(packed) closeGate(struct.unpack('<sd', packed, 2)) end

function restore.v(packed)
  local queue, virtual, mean, lap, clean, turnedAt, due = struct.unpack('<sdddddd', packed, 2)
  local turns = { virtual = virtual, mean = mean, lap = lap, clean = clean, turnedAt = turnedAt, due = due }
  redis.call('SET', P .. 'turns:' .. queue, turnsText(turns))
end

function restore.o(packed)
  local flow, finish, ttlMs = struct.unpack('<sdd', packed, 2)
  redis.call('SET', P .. 'flow:' .. flow, flowText(finish), 'PX', int(ttlMs))
end

function restore.t(packed)
  local name, job, ttlMs, text = struct.unpack('<ssds', packed, 2)
  redis.call('SET', P .. name .. ':' .. job, text, 'PX', int(ttlMs))
end

for i = 2, #ARGV do restore[string.sub(ARGV[i], 1, 1)](ARGV[i]) end
return { 'restored' }
