--[[ lib/limits.lua: the three limits of model/limits.ts, line by line. All integers.
  A line is { kind, key, limit, perMs, burst }; kind s sliding window, b token bucket, c concurrent.
  q:<key>  s  hash    step -> amount, s = sum, l = lowest step that may hold something, h = highest
           b  string  theoretical arrival time, microseconds
           c  string  lanes taken
]]
local STEPS = 60
local LANE_RETRY_MS = 1000

local function stepMsOf(line) return math.ceil(line[4] / STEPS) end
local function intervalUsOf(line) return math.ceil(line[4] * 1000 / line[3]) end

local function clampAmount(line, amount)
  if line[1] == 'b' then return math.min(amount, line[5]) end
  if line[1] == 's' then return math.min(amount, line[3]) end
  return 1
end

-- Drops the steps that have left the window. Returns sum, lowest and highest step (nil when it holds nothing).
local function slide(key, step)
  local state = redis.call('HMGET', key, 's', 'l', 'h')
  local sum, low, high = tonumber(state[1]), tonumber(state[2]), tonumber(state[3])
  if not sum then return 0, nil, nil end
  local oldest = step - STEPS
  if high < oldest then
    redis.call('DEL', key)
    return 0, nil, nil
  end
  if low >= oldest then return sum, low, high end
  local gone = {}
  for at = low, oldest - 1 do gone[#gone + 1] = int(at) end
  for _, amount in ipairs(redis.call('HMGET', key, unpack(gone))) do
    if amount then sum = sum - tonumber(amount) end
  end
  redis.call('HDEL', key, unpack(gone))
  redis.call('HSET', key, 's', int(sum), 'l', int(oldest))
  return sum, oldest, high
end

-- When enough steps have left for the amount to fit.
local function roomAt(key, line, amount, sum, low, high)
  local stepMs = stepMsOf(line)
  local steps = {}
  for at = low, high do steps[#steps + 1] = int(at) end
  local at = now
  for i, count in ipairs(redis.call('HMGET', key, unpack(steps))) do
    if count then
      sum = sum - tonumber(count)
      at = (low + i - 1 + STEPS + 1) * stepMs
      if sum + amount <= line[3] then return at end
    end
  end
  return at
end

-- Returns fits, retryAtMs, remaining, resetAtMs and what `take` wants to know.
local function measure(line, amount)
  local key = P .. 'q:' .. line[2]
  if line[1] == 's' then
    local stepMs = stepMsOf(line)
    local step = math.floor(now / stepMs)
    local sum, low, high = slide(key, step)
    local fits = sum + amount <= line[3]
    local retryAt = now
    if not fits and high then retryAt = roomAt(key, line, amount, sum, low, high) end
    local resetAt = high and (high + STEPS + 1) * stepMs or now
    return fits, retryAt, line[3] - sum, resetAt, { sum = sum, low = low, step = step, stepMs = stepMs }
  end
  if line[1] == 'b' then
    local interval, nowUs = intervalUsOf(line), now * 1000
    local tat = math.max(tonumber(redis.call('GET', key) or '0'), nowUs)
    local over = tat + amount * interval - nowUs - line[5] * interval
    local remaining = math.floor((line[5] * interval - (tat - nowUs)) / interval)
    local retryAt = over <= 0 and now or now + math.ceil(over / 1000)
    return over <= 0, retryAt, remaining, math.ceil(tat / 1000), { tat = tat, interval = interval }
  end
  local count = tonumber(redis.call('GET', key) or '0')
  local fits = count + 1 <= line[3]
  local retryAt = fits and now or now + LANE_RETRY_MS
  return fits, retryAt, line[3] - count, retryAt, {}
end

-- Takes what `measure` has just looked at.
local function take(line, amount, seen)
  local key = P .. 'q:' .. line[2]
  if line[1] == 's' then
    local step = int(seen.step)
    redis.call('HSET', key, 's', int(seen.sum + amount), 'h', step, 'l', int(seen.low or seen.step))
    if redis.call('HINCRBY', key, step, int(amount)) == amount then
      redis.call('PEXPIRE', key, int((STEPS + 2) * seen.stepMs))
    end
  elseif line[1] == 'b' then
    local tat = seen.tat + amount * seen.interval
    redis.call('SET', key, int(tat), 'PX', int(math.max(math.ceil((tat - now * 1000) / 1000), 1)))
  else
    redis.call('INCR', key)
  end
end

-- Ends a permit: { kind, key, limit, perMs, burst, amount }. `used` is nil when unknown: what was taken stays taken.
local function giveBack(taken, used, atMs)
  local key = P .. 'q:' .. taken[2]
  if taken[1] == 'c' then
    if redis.call('DECR', key) <= 0 then redis.call('DEL', key) end
    return
  end
  if not used then return end
  local unused = taken[6] - used
  if unused == 0 then return end
  if taken[1] == 'b' then
    local tat = tonumber(redis.call('GET', key))
    if tat then
      redis.call('SET', key, int(math.max(tat - unused * intervalUsOf(taken), 0)), 'KEEPTTL')
    end
    return
  end
  local step = int(math.floor(atMs / stepMsOf(taken)))
  if redis.call('HEXISTS', key, step) == 1 then
    redis.call('HINCRBY', key, step, int(-unused))
    redis.call('HINCRBY', key, 's', int(-unused))
  end
end
