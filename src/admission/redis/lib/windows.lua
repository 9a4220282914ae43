--[[ lib/windows.lua: the record of one budget window. Needs state.
  w:<budget>:<window>  policy, limit, spent, held; next (spending at which the next mark fires, -1 = none is left), fired
                       (percent), start, end, marks ('50,80,95'). Swept when it ended long ago and nothing is held
]]
-- Only what every decision needs is unpacked; `rest` (next, fired, start, end, marks) travels as it is.
local HEAD_BYTES = 32

-- A window in hand is an array: half the cost of named fields, on the hottest path there is.
local PACKED, POLICY, LIMIT, SPENT, HELD = 1, 2, 3, 4, 5

local function readWindow(value) return { value, struct.unpack('<dddd', value) } end

local function windowText(w)
  return struct.pack('<dddd', w[POLICY], w[LIMIT], w[SPENT], w[HELD]) .. string.sub(w[PACKED], HEAD_BYTES + 1)
end

-- A window that nobody has opened, or that is gone, is of policy -1.
local function windowOr(value) return value and readWindow(value) or { '', -1 } end
local function windowAt(at) return recordAt(at, windowOr) end

-- Writes what has changed back, beside what else there is to write.
local changed = {}
local function writeWindows(writes)
  for at, w in pairs(changed) do writes[#writes + 1], writes[#writes + 2] = keys[at], windowText(w) end
  if #writes > 0 then redis.call('MSET', unpack(writes)) end
end

-- Returns next, fired, start, end, marks.
local function readRest(w) return struct.unpack('<dddds', w[PACKED], HEAD_BYTES + 1) end

-- floor(limit * percent / 100) without leaving 2^53.
local function percentOf(limit, percent)
  return math.floor(limit / 100) * percent + math.floor((limit % 100) * percent / 100)
end

-- Writes a window's rest anew: its next mark follows from its limit and from the highest mark that has fired.
local function setRest(w, fired, startMs, endMs, marks)
  local nextAt = -1
  for mark in string.gmatch(marks, '%d+') do
    if tonumber(mark) > fired then
      nextAt = percentOf(w[LIMIT], tonumber(mark))
      break
    end
  end
  w[PACKED] = string.rep(' ', HEAD_BYTES) .. struct.pack('<dddds', nextAt, fired, startMs, endMs, marks)
end
