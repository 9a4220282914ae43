--[[ lib/windows.lua: the record of one budget window.
  w:<budget>:<window>  policy, limit, spent, held; next (spending at which the next mark fires, -1 = none is left), fired
                       (percent), start, end, marks ('50,80,95'). Swept when it ended long ago and nothing is held
]]
-- Only what every decision needs is unpacked; `rest` (next, fired, start, end, marks) travels as it is.
local HEAD_BYTES = 32

local function readWindow(value)
  local w = { value = value }
  w.policy, w.limit, w.spent, w.held = struct.unpack('<dddd', value)
  return w
end

local function windowText(w)
  return struct.pack('<dddd', w.policy, w.limit, w.spent, w.held) .. string.sub(w.value, HEAD_BYTES + 1)
end

-- Returns next, fired, start, end, marks.
local function readRest(w) return struct.unpack('<dddds', w.value, HEAD_BYTES + 1) end

-- floor(limit * percent / 100) without leaving 2^53.
local function percentOf(limit, percent)
  return math.floor(limit / 100) * percent + math.floor((limit % 100) * percent / 100)
end

-- Writes a window's rest anew: its next mark follows from its limit and from the highest mark that has fired.
local function setRest(w, fired, startMs, endMs, marks)
  local nextAt = -1
  for mark in string.gmatch(marks, '%d+') do
    if tonumber(mark) > fired then
      nextAt = percentOf(w.limit, tonumber(mark))
      break
    end
  end
  w.value = string.rep(' ', HEAD_BYTES) .. struct.pack('<dddds', nextAt, fired, startMs, endMs, marks)
end
