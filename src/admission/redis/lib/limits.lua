--[[ lib/limits.lua: the four limits of model/limits.ts, line by line. All integers.
  A line is { kind, name, limit, perMs, burst, held, unit, at, free }; kind s sliding window, f fixed window, b token
  bucket, c concurrent; name stateKey of model/limits/types.ts: what the state means, and the limit's key; unit 0 the
  tokens of a hold, 1 one call, 2 input, 3 output cap; at its position among the keys; free: hits take nothing.
  `held` is { what q:<name> holds or false, changed by, given back }: commands of one script that share a limit share it,
  and it is written once, by writeLimits. Needs state.
  q:<name>   s  sum, step, amount of step, lowest step kept, highest step taken or -1; packed
             f  start of the window, count; packed
             b  theoretical arrival time, microseconds, digits
             c  lanes taken, digits
  qs:<name>  s  hash  earlier step -> amount: touched only when a new step begins
]]
local NAME, HELD_STATE, UNIT, AT, FREE = 2, 6, 7, 8, 9
local STEPS = 60
local LANE_RETRY_MS = 1000
local STEP_STATE, WINDOW_STATE = '<ddddd', '<dd'
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

local function readSteps(value)
  local sum, step, amount, low, high = struct.unpack(STEP_STATE, value)
  return { sum = sum, step = step, amount = amount, low = low, high = high, known = true }
end

-- The time to live moves on when a step begins, which is often enough.
local function writeSteps(line, s)
  local key, value = keys[line[AT]], struct.pack(STEP_STATE, s.sum, s.step, s.amount, s.low, s.high)
  if s.known then
    redis.call('SET', key, value, 'KEEPTTL')
  else
    redis.call('SET', key, value, 'PX', int((STEPS + 2) * stepMsOf(line)))
    s.known = true
  end
end

-- Begins a new step: the last one joins the earlier ones, and those that have left the window go.
local function slide(line)
  local held = line[HELD_STATE]
  if type(held[1]) == 'table' then return held[1] end
  local step = math.floor(now / stepMsOf(line))
  local s = held[1] and readSteps(held[1])
  -- A clock that goes back (a failover, a correction) finds the step that has begun.
  if s and s.step >= step then
    held[1] = s
    return s
  end
  local oldest, key = step - STEPS, P .. 'qs:' .. line[NAME]
  if not s or s.high < oldest then
    if s then redis.call('DEL', key) end
    held[1] = { sum = 0, step = step, amount = 0, low = step, high = -1 }
    return held[1]
  end
  if s.high == s.step then
    redis.call('HSET', key, int(s.step), int(s.amount))
    redis.call('PEXPIRE', key, int((STEPS + 2) * stepMsOf(line)))
  end
  if s.low < oldest then
    local gone = {}
    for at = s.low, math.min(oldest - 1, s.low + 2 * STEPS) do gone[#gone + 1] = int(at) end
    for _, amount in ipairs(redis.call('HMGET', key, unpack(gone))) do
      if amount then s.sum = s.sum - tonumber(amount) end
    end
    redis.call('HDEL', key, unpack(gone))
    s.low = oldest
  end
  s.step, s.amount, s.known = step, 0, false
  writeSteps(line, s)
  held[1] = s
  return s
end

-- When enough steps have left for the amount to fit.
local function roomAt(line, amount, s)
  local names, sum, at = {}, s.sum, now
  for step = s.low, s.step - 1 do names[#names + 1] = int(step) end
  local counts = #names > 0 and redis.call('HMGET', P .. 'qs:' .. line[NAME], unpack(names)) or {}
  if s.high == s.step then counts[#names + 1] = s.amount end
  for i = 1, #names + 1 do
    if counts[i] then
      sum = sum - tonumber(counts[i])
      at = (s.low + i - 1 + STEPS + 1) * stepMsOf(line)
      if sum + amount <= line[3] then return at end
    end
  end
  return at
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
local touched = {}
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
