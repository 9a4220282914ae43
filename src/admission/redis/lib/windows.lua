--[[ lib/windows.lua: the record of one budget window. Needs state.
  w:<budget>:<window>  policy, limit in force, spent, held, until when that limit stands (ms); next (spending at which the
                       next mark fires, -1 = none is left), fired (percent), start, end, warn only 0|1, marks ('50,80,95');
                       then, where something was granted, the policy's own limit, count, and per credit: id amount until.
                       Swept when it ended long ago and nothing is held
]]
-- Only what every decision needs is unpacked; the rest travels as it is.
local HEAD, HEAD_BYTES = '<ddddd', 40

-- A window in hand is an array: half the cost of named fields, on the hottest path there is.
local PACKED, POLICY, LIMIT, SPENT, HELD, STANDS = 1, 2, 3, 4, 5, 6

-- A limit that nothing was granted to stands for ever; one with a credit in it ends at this at the latest.
local FOREVER = 9007199254740991
local LAST = FOREVER - 1
-- Credits raise no limit past this: a client's parser loses digits next to 2^53.
local MOST_NANO = 9e15

-- floor(limit * percent / 100) without leaving 2^53.
local function percentOf(limit, percent)
  return math.floor(limit / 100) * percent + math.floor((limit % 100) * percent / 100)
end

-- Returns next, fired, start, end, warn only, marks, and where what was granted begins.
local function readRest(w) return struct.unpack('<ddddBs', w[PACKED], HEAD_BYTES + 1) end

-- What a window's limit is made of. Only for windows that change: next to admission this is rare.
local function termsOf(w)
  local _, fired, startMs, endMs, warn, marks, at = readRest(w)
  local terms = { base = w[LIMIT], credits = {}, fired = fired, startMs = startMs, endMs = endMs, warn = warn,
    marks = marks }
  if w[STANDS] == FOREVER then return terms end
  local count
  terms.base, count, at = struct.unpack('<dH', w[PACKED], at)
  for i = 1, count do
    local id, amount, untilMs
    id, amount, untilMs, at = struct.unpack('<sdd', w[PACKED], at)
    terms.credits[i] = { id = id, amount = amount, untilMs = untilMs }
  end
  return terms
end

-- Writes the rest anew: the limit in force follows from the policy's and the credits that have not lapsed, the next mark
-- from it and from the highest mark that has fired.
local function setTerms(w, terms)
  local limit, stands, count, granted = terms.base, FOREVER, 0, {}
  for _, credit in ipairs(terms.credits) do
    if credit.untilMs > now then
      limit, stands = math.max(limit, math.min(limit + credit.amount, MOST_NANO)), math.min(stands, credit.untilMs, LAST)
      count = count + 1
      granted[count] = struct.pack('<sdd', credit.id, credit.amount, credit.untilMs)
    end
  end
  w[LIMIT], w[STANDS] = limit, stands
  local nextAt = -1
  for mark in string.gmatch(terms.marks, '%d+') do
    if tonumber(mark) > terms.fired then
      nextAt = percentOf(limit, tonumber(mark))
      break
    end
  end
  local rest = struct.pack('<ddddBs', nextAt, terms.fired, terms.startMs, terms.endMs, terms.warn, terms.marks)
  local tail = count > 0 and struct.pack('<dH', terms.base, count) .. table.concat(granted) or ''
  w[PACKED] = string.rep(' ', HEAD_BYTES) .. rest .. tail
end

-- The part of the limit in force that was granted on top of the policy's.
local function creditOf(w)
  if w[STANDS] == FOREVER then return 0 end
  return w[LIMIT] - termsOf(w).base
end

local function readWindow(value)
  local w = { value, struct.unpack(HEAD, value) }
  if w[STANDS] <= now then setTerms(w, termsOf(w)) end
  return w
end

local function windowText(w)
  return struct.pack(HEAD, w[POLICY], w[LIMIT], w[SPENT], w[HELD], w[STANDS])
    .. string.sub(w[PACKED], HEAD_BYTES + 1)
end

-- A window that nobody has opened, or that is gone, is of policy -1.
local function windowOr(value) return value and readWindow(value) or { '', -1, 0, 0, 0, FOREVER } end
local function windowAt(at) return recordAt(at, windowOr) end

-- Writes what has changed back, beside what else there is to write.
local changed
eachCall(function() changed = {} end)
local function writeWindows(writes)
  for at, w in pairs(changed) do writes[#writes + 1], writes[#writes + 2] = keys[at], windowText(w) end
  if #writes > 0 then redis.call('MSET', unpack(writes)) end
end

-- Opens a window; its terms are still to be set.
local function openWindow(at, endMs)
  local w = windowAt(at)
  w[SPENT], w[HELD] = 0, 0
  redis.call('ZADD', P .. 'windows', int(endMs), string.sub(keys[at], #P + 3))
  return w
end
