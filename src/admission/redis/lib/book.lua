--[[ lib/book.lua: how an attempt's money moves (model/book.ts). Needs windows, limits, give-back, attempts, outbox; the
  attempt's chain (wantChain) has been fetched. At its end a script calls writeBooked.
]]
-- Moves spent and held in every window of the attempt; a window whose key is gone stays gone. Returns what is left in
-- each (0 where it is gone; `credits`: by place, what was granted on top, where something was), and the positions of
-- windows whose next mark has been reached.
local function move(record, spentDelta, heldDelta)
  local left, marked = {}, nil
  for i, at in ipairs(record.windowsAt) do
    local w = windowAt(at)
    if w[POLICY] < 0 then
      left[i] = 0
    else
      w[SPENT], w[HELD] = w[SPENT] + spentDelta, w[HELD] + heldDelta
      left[i] = w[LIMIT] - w[SPENT] - w[HELD]
      if w[STANDS] < FOREVER then
        left.credits = left.credits or {}
        left.credits[i] = creditOf(w)
      end
      changed[at] = w
      local nextAt = spentDelta > 0 and struct.unpack('<d', w[PACKED], HEAD_BYTES + 1) or -1
      if nextAt >= 0 and w[SPENT] > 0 and w[SPENT] >= nextAt then
        marked = marked or {}
        marked[#marked + 1] = at
      end
    end
  end
  return left, marked
end

-- Raises the highest mark reached in each window, once.
local function raiseMarks(marked)
  for _, at in ipairs(marked or {}) do
    local w = windowAt(at)
    local terms = termsOf(w)
    for mark in string.gmatch(terms.marks, '%d+') do
      if w[SPENT] >= percentOf(w[LIMIT], tonumber(mark)) then terms.fired = tonumber(mark) end
    end
    setTerms(w, terms)
    postThreshold(string.sub(keys[at], #P + 3), terms.fired, w[SPENT], w[LIMIT])
  end
end

local function endPermits(record, used)
  for _, line in ipairs(record.limits) do
    giveBack(line, heldAmount(line, record.tokens - record.cap, record.cap), used, record.at)
  end
end

-- Attempts that wait for their expiry no more.
local unheld
eachCall(function() unheld = { P .. 'exp' } end)

-- H -> S or U. Returns amount, overrun, left, marked.
local function bookHold(attempt, record, kind, cost, used)
  local amount = kind == 'settled' and cost or record.hold
  local left, marked = move(record, amount, -record.hold)
  endPermits(record, used)
  unheld[#unheld + 1] = attempt
  record.st = kind == 'settled' and 'S' or 'U'
  record.booked = amount
  return amount, math.max(amount - record.hold, 0), left, marked
end

local function writeBooked()
  writeWindows({})
  writeLimits()
  if #unheld > 1 then redis.call('ZREM', unpack(unheld)) end
end
