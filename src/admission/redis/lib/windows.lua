--[[ lib/windows.lua: the record of one budget window.
  w:<budget>:<window>  policy, limit, spent, held, next (spending at which the next mark fires, -1 = none is left),
                       fired (percent), start, end, marks ('50,80,95'); swept when it ended long ago and nothing is held
]]
local WINDOW = '<dddddddds'

local function readWindow(value)
  local w = {}
  w.policy, w.limit, w.spent, w.held, w.next, w.fired, w.startMs, w.endMs, w.marks = struct.unpack(WINDOW, value)
  return w
end

local function windowText(w)
  return struct.pack(WINDOW, w.policy, w.limit, w.spent, w.held, w.next, w.fired, w.startMs, w.endMs, w.marks)
end

-- floor(limit * percent / 100) without leaving 2^53.
local function percentOf(limit, percent)
  return math.floor(limit / 100) * percent + math.floor((limit % 100) * percent / 100)
end

local function setNextMark(w)
  w.next = -1
  for mark in string.gmatch(w.marks, '%d+') do
    if tonumber(mark) > w.fired then
      w.next = percentOf(w.limit, tonumber(mark))
      return
    end
  end
end
