--[[ lib/limits.lua: the four limits of model/limits.ts, line by line. All integers.
  A line is { kind, name, limit, perMs, burst, held, unit, at, free }; kind s sliding window, f fixed window, b token
  bucket, c concurrent; name stateKey of model/limits/types.ts: what the state means, and the limit's key; unit 0 the
  tokens of a hold, 1 one call, 2 input, 3 output cap; at its position among the keys; free: hits take nothing.
  `held` is { what q:<name> holds or false, changed by, given back }: commands of one script that share a limit share it,
  and it is written once, by writeLimits. Needs state.
  q:<name>   s  sum, step, amount of step, highest step taken or -1, then of each earlier step: step amount; packed
             f  start of the window, count; packed
             b  theoretical arrival time, microseconds, digits
             c  lanes taken, digits
]]
local NAME, HELD_STATE, UNIT, AT, FREE = 2, 6, 7, 8, 9
local STEPS = 60
local LANE_RETRY_MS = 1000
local STEP_STATE, STEP_STATE_BYTES, WINDOW_STATE = '<dddd', 32, '<dd'
local EARLIER, EARLIER_BYTES = '<dd', 16
-- From a Monday to 1970-01-01; a multiple of every period that is shorter than a week.
local SINCE_MONDAY_MS = 259200000
-- A clock that is set back finds the window that has begun.
local WINDOW_SLACK_MS = 60000

local function readLimit(packed, at)
  local kind, name, limit, perMs, burst, flags, after = struct.unpack('<c1sdddB', packed, at)
  return { kind, name, limit, perMs, burst, false, flags % 4, 0, flags >= 4 }, after
end

local function keyOfLimit(line) return string.match(line[NAME], ':(.*)') end
local function limitHeld(value) return { value } end
local function wantLimit(line) line[AT] = want(P .. 'q:' .. line[NAME]) end
-- Puts what is known of a limit, which is wanted, in the line's hand.
local function holdLimit(line) line[HELD_STATE] = recordAt(line[AT], limitHeld) end

local function stepMsOf(line) return math.ceil(line[4] / STEPS) end
local function intervalUsOf(line) return math.ceil(line[4] * 1000 / line[3]) end

-- What a hold of so many tokens takes; never more than the limit holds at all.
local function heldAmount(line, input, output)
  local unit = line[UNIT]
  if line[1] == 'c' or unit == 1 then return 1 end
  local wanted = unit == 2 and input or unit == 3 and output or input + output
  return math.min(wanted, line[1] == 'b' and line[5] or line[3])
end

-- `earlier` travels as it is: what a decision needs is the sum.
local function readSteps(value)
  local sum, step, amount, high = struct.unpack(STEP_STATE, value)
  local earlier = string.sub(value, STEP_STATE_BYTES + 1)
  return { sum = sum, step = step, amount = amount, high = high, earlier = earlier, known = true }
end

-- The time to live moves on when a step begins, which is often enough.
local function writeSteps(line, s)
  local key, value = keys[line[AT]], struct.pack(STEP_STATE, s.sum, s.step, s.amount, s.high) .. s.earlier
  if s.known then
    redis.call('SET', key, value, 'KEEPTTL')
  else
    redis.call('SET', key, value, 'PX', int((STEPS + 2) * stepMsOf(line)))
    s.known = true
  end
end

-- Steps before this one have left the window.
local function forgetSteps(s, oldest)
  local from = 1
  while from < #s.earlier do
    local step, amount = struct.unpack(EARLIER, s.earlier, from)
    if step >= oldest then break end
    s.sum, from = s.sum - amount, from + EARLIER_BYTES
  end
  if from > 1 then s.earlier = string.sub(s.earlier, from) end
end

-- Begins a new step: the last one joins the earlier ones, and those that have left the window go. Nothing is written
-- until something is taken: whoever reads the old state slides it alike.
local function slide(line)
  local held = line[HELD_STATE]
  if type(held[1]) == 'table' then return held[1] end
  local step = math.floor(now / stepMsOf(line))
  local s = held[1] and readSteps(held[1])
  if not s or s.high < step - STEPS then
    s = { sum = 0, step = step, amount = 0, high = -1, earlier = '' }
  -- A clock that goes back (a failover, a correction) finds the step that has begun.
  elseif s.step < step then
    if s.high == s.step then s.earlier = s.earlier .. struct.pack(EARLIER, s.step, s.amount) end
    forgetSteps(s, step - STEPS)
    s.step, s.amount, s.known = step, 0, false
  end
  held[1] = s
  return s
end

-- When enough steps have left for the amount to fit.
local function roomAt(line, amount, s)
  local sum, at = s.sum, now
  for from = 1, #s.earlier, EARLIER_BYTES do
    local step, taken = struct.unpack(EARLIER, s.earlier, from)
    sum, at = sum - taken, (step + STEPS + 1) * stepMsOf(line)
    if sum + amount <= line[3] then return at end
  end
  return s.high == s.step and (s.step + STEPS + 1) * stepMsOf(line) or at
end

local function windowStart(line, atMs) return atMs - (atMs + SINCE_MONDAY_MS) % line[4] end

local function readPeriod(value)
  local start, count = struct.unpack(WINDOW_STATE, value)
  return { start = start, count = count }
end

-- The window that has begun; a new one holds nothing.
local function windowOf(line)
  local held = line[HELD_STATE]
  if held[1] and type(held[1]) ~= 'table' then held[1] = readPeriod(held[1]) end
  local start = windowStart(line, now)
  if not held[1] or held[1].start < start then held[1] = { start = start, count = 0 } end
  return held[1]
end

local function writePeriod(line, w)
  local px = math.max(w.start + line[4] - now, 0) + WINDOW_SLACK_MS
  redis.call('SET', keys[line[AT]], struct.pack(WINDOW_STATE, w.start, w.count), 'PX', int(px))
end

-- Returns fits, retryAtMs, remaining, resetAtMs.
local function measure(line, amount)
  if line[1] == 's' then
    local s = slide(line)
    local fits = s.sum + amount <= line[3]
    local retryAt = (fits or s.high < 0) and now or roomAt(line, amount, s)
    local resetAt = s.high < 0 and now or (s.high + STEPS + 1) * stepMsOf(line)
    return fits, retryAt, line[3] - s.sum, resetAt
  end
  if line[1] == 'f' then
    local w = windowOf(line)
    local fits, endAt = w.count + amount <= line[3], w.start + line[4]
    return fits, fits and now or endAt, line[3] - w.count, w.count > 0 and endAt or now
  end
  local state = tonumber(line[HELD_STATE][1] or 0)
  if line[1] == 'b' then
    local interval, nowUs = intervalUsOf(line), now * 1000
    local tat = math.max(state, nowUs)
    local over = tat + amount * interval - nowUs - line[5] * interval
    local remaining = math.floor((line[5] * interval - (tat - nowUs)) / interval)
    local retryAt = over <= 0 and now or now + math.ceil(over / 1000)
    return over <= 0, retryAt, remaining, math.ceil(tat / 1000)
  end
  local fits = state + 1 <= line[3]
  local retryAt = fits and now or now + LANE_RETRY_MS
  return fits, retryAt, line[3] - state, retryAt
end

-- Limits to write back, each once.
local touched
eachCall(function() touched = {} end)
local function touch(line)
  local held = line[HELD_STATE]
  if not held[2] then touched[#touched + 1] = held end
  held[2] = line
  return held
end

-- Takes what `measure` has just seen to fit.
local function take(line, amount)
  local held = touch(line)
  if line[1] == 's' then
    local s = held[1]
    s.sum, s.amount, s.high = s.sum + amount, s.amount + amount, s.step
  elseif line[1] == 'f' then
    held[1].count = held[1].count + amount
  elseif line[1] == 'b' then
    held[1] = math.max(tonumber(held[1] or 0), now * 1000) + amount * intervalUsOf(line)
  else
    held[1] = tonumber(held[1] or 0) + 1
  end
end

local function writeLimits()
  for _, held in ipairs(touched) do
    local state, line, gaveBack = held[1], held[2], held[3]
    local key = keys[line[AT]]
    if line[1] == 's' then
      writeSteps(line, state)
    elseif line[1] == 'f' then
      writePeriod(line, state)
    elseif line[1] == 'b' and gaveBack then
      redis.call('SET', key, int(state), 'KEEPTTL')
    elseif line[1] == 'b' then
      local px = math.max(math.ceil((state - now * 1000) / 1000), 1)
      redis.call('SET', key, int(state), 'PX', int(px))
    elseif state > 0 then
      redis.call('SET', key, int(state))
    else
      redis.call('DEL', key)
    end
  end
end
