--[[ lib/book.lua: how an attempt's money moves (model/book.ts). Needs windows, limits, give-back, attempts.
  out  stream  t=posting  h=<attempt epoch rev kind job n delta booked hold over rung cap at now outcome|->
                          w=<windows, one a line>  m=<meta JSON>  d=<detail JSON>
               t=threshold  h=<window percent spent limit now>
]]
-- Moves spent and held in every window of the attempt; a window whose key is gone stays gone. Returns what is left in
-- each (0 where it is gone), and the windows whose next mark has been reached.
local function move(record, spentDelta, heldDelta)
  local left, marked, keys, writes = {}, {}, {}, {}
  for i, name in ipairs(record.windows) do keys[i] = P .. 'w:' .. name end
  if #keys == 0 then return left, marked end
  for i, value in ipairs(redis.call('MGET', unpack(keys))) do
    left[i] = 0
    if value then
      local w = readWindow(value)
      w[SPENT], w[HELD] = w[SPENT] + spentDelta, w[HELD] + heldDelta
      left[i] = w[LIMIT] - w[SPENT] - w[HELD]
      local nextAt = spentDelta > 0 and struct.unpack('<d', value, HEAD_BYTES + 1) or -1
      if nextAt >= 0 and w[SPENT] > 0 and w[SPENT] >= nextAt then
        w.name, w.key = record.windows[i], keys[i]
        marked[#marked + 1] = w
      end
      writes[#writes + 1] = keys[i]
      writes[#writes + 1] = windowText(w)
    end
  end
  if #writes > 0 and (spentDelta ~= 0 or heldDelta ~= 0) then redis.call('MSET', unpack(writes)) end
  return left, marked
end

-- Raises the highest mark reached in each window, once.
local function raiseMarks(marked)
  for _, w in ipairs(marked) do
    local _, fired, startMs, endMs, marks = readRest(w)
    for mark in string.gmatch(marks, '%d+') do
      if w[SPENT] >= percentOf(w[LIMIT], tonumber(mark)) then fired = tonumber(mark) end
    end
    setRest(w, fired, startMs, endMs, marks)
    redis.call('SET', w.key, windowText(w))
    local head = string.format('%s %d %d %d %d', w.name, fired, w[SPENT], w[LIMIT], now)
    redis.call('XADD', P .. 'out', '*', 't', 'threshold', 'h', head)
  end
end

local function endPermits(record, used)
  for _, line in ipairs(record.limits) do
    giveBack(line, clampAmount(line, record.tokens), used, record.at)
  end
end

local function post(attempt, r, kind, delta, over, detail, outcome)
  r.rev = r.rev + 1
  local head = string.format('%s %d %d %s %s %d %d %d %d %d %d %d %d %d %s', attempt, EPOCH, r.rev, kind,
    r.job, r.n, delta, r.booked, r.hold, over, r.rung, r.cap, r.at, now, outcome)
  redis.call('XADD', P .. 'out', '*', 't', 'posting', 'h', head, 'w', table.concat(r.windows, '\n'), 'm', r.meta,
    'd', detail)
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
