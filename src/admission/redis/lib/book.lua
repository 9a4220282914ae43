--[[ lib/book.lua: how an attempt's money moves (model/book.ts). Needs slot, limits and rungs.
  w:<budget>:<window>  hash  limit policy spent held start end fired marks next
  a:<attempt>          hash  st H|U|S|R, rev, booked, meta, p = MessagePack of what admission fixed:
                             { job, rung, hold, cap, n, at, windows, limits }
]]
local function readAttempt(attempt)
  local fields = redis.call('HMGET', P .. 'a:' .. attempt, 'st', 'rev', 'booked', 'meta', 'p')
  if not fields[1] then return nil end
  local record = cmsgpack.unpack(fields[5])
  record.st, record.rev, record.booked = fields[1], tonumber(fields[2]), tonumber(fields[3])
  record.meta = fields[4]
  return record
end

-- Writes the end of an attempt; ended attempts are forgotten after a while, held ones never.
local function endAttempt(attempt, record)
  local key = P .. 'a:' .. attempt
  redis.call('HSET', key, 'st', record.st, 'rev', int(record.rev), 'booked', int(record.booked))
  redis.call('PEXPIRE', key, KEEP_MS)
end

local function createAttempt(attempt, record)
  local fixed = cmsgpack.pack({
    job = record.job, rung = record.rung, hold = record.hold, cap = record.cap, n = record.n,
    at = record.at, windows = record.windows, limits = record.limits,
  })
  redis.call('HSET', P .. 'a:' .. attempt, 'st', record.st, 'rev', int(record.rev),
    'booked', int(record.booked), 'meta', record.meta, 'p', fixed)
end

-- Raises the highest mark reached in a window, once.
local function raiseMark(name, key, spent, limit)
  local fields = redis.call('HMGET', key, 'fired', 'marks')
  local fired, highest = tonumber(fields[1]), 0
  for mark in string.gmatch(fields[2], '%d+') do
    if spent >= percentOf(limit, tonumber(mark)) then highest = tonumber(mark) end
  end
  if highest <= fired then return end
  redis.call('HSET', key, 'fired', int(highest), 'next', int(nextMark(fields[2], limit, highest)))
  redis.call('XADD', P .. 'out', '*', 't', 'threshold', 'window', name, 'percent', int(highest),
    'spent', int(spent), 'limit', int(limit), 'now', int(now))
end

-- Moves spent and held in every window of the attempt. Returns what is left in each (0 where the key is gone), and
-- the windows whose next mark has been reached.
local function move(record, spentDelta, heldDelta)
  local left, marked = {}, {}
  for i, name in ipairs(record.windows) do
    local key = P .. 'w:' .. name
    local w = redis.call('HMGET', key, 'spent', 'held', 'limit', 'next')
    left[i] = 0
    if w[1] then
      local spent, held, limit = tonumber(w[1]) + spentDelta, tonumber(w[2]) + heldDelta, tonumber(w[3])
      redis.call('HSET', key, 'spent', int(spent), 'held', int(held))
      left[i] = limit - spent - held
      local mark = tonumber(w[4])
      if spentDelta > 0 and mark >= 0 and spent > 0 and spent >= mark then
        marked[#marked + 1] = { name, key, spent, limit }
      end
    end
  end
  return left, marked
end

local function raiseMarks(marked)
  for _, m in ipairs(marked) do raiseMark(m[1], m[2], m[3], m[4]) end
end

local function endPermits(record, used)
  for _, taken in ipairs(record.limits) do giveBack(taken, used, record.at) end
end

local function post(attempt, record, kind, delta, over, detail, outcome)
  record.rev = record.rev + 1
  redis.call('XADD', P .. 'out', '*', 't', 'posting', 'attempt', attempt, 'epoch', int(command.epoch),
    'rev', int(record.rev), 'kind', kind, 'job', record.job, 'n', int(record.n), 'delta', int(delta),
    'booked', int(record.booked), 'hold', int(record.hold), 'over', int(over),
    'windows', table.concat(record.windows, '\n'), 'rung', int(record.rung), 'cap', int(record.cap),
    'at', int(record.at), 'now', int(now), 'meta', record.meta, 'detail', detail, 'outcome', outcome)
end

local function postRequest(job, outcome, reason, meta)
  redis.call('XADD', P .. 'out', '*', 't', 'request', 'job', job, 'outcome', outcome,
    'reason', reason, 'now', int(now), 'meta', meta)
end

-- H -> S or U. Returns amount, overrun, left, marked.
local function bookHold(attempt, record, kind, cost, used)
  local amount = kind == 'settled' and cost or record.hold
  local left, marked = move(record, amount, -record.hold)
  endPermits(record, used)
  redis.call('ZREM', P .. 'exp', attempt)
  record.st = kind == 'settled' and 'S' or 'U'
  record.booked = amount
  return amount, math.max(amount - record.hold, 0), left, marked
end
