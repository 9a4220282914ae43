--[[ lib/rungs.lua: model/rungs.ts, line by line.
  An offer is { gate, fixedNano, outputPico, capTokens, floorTokens, until (-1 = none), inputTokens }.
]]
local function amountFor(offer, cap)
  local pico = cap * offer[3]
  local rest = pico % 1000
  return offer[2] + (pico - rest) / 1000 + (rest > 0 and 1 or 0)
end

local function percentOf(limit, percent)
  return math.floor(limit / 100) * percent + math.floor((limit % 100) * percent / 100)
end

local function ceilingOf(offer, view)
  if offer[6] < 0 then return view.limit end
  return percentOf(view.limit, offer[6])
end

local function shortenedCap(offer, room)
  local forOutput = room - offer[2]
  if forOutput < 0 or offer[3] == 0 then return -1 end
  local cap = math.min(math.floor(forOutput * 1000 / offer[3]), offer[4])
  if amountFor(offer, cap) <= room then return cap end
  return cap - 1
end

-- The output cap that every window can pay for on this rung, or -1.
local function affordableCap(offer, views)
  local room = 9007199254740991
  for _, view in ipairs(views) do room = math.min(room, ceilingOf(offer, view) - view.used) end
  if amountFor(offer, offer[4]) <= room then return offer[4] end
  if offer[6] >= 0 then return -1 end
  local cap = shortenedCap(offer, room)
  return cap >= offer[5] and cap or -1
end

-- The spending at which the next mark fires, -1 when none is left. `marks` is '50,80,95'.
local function nextMark(marks, limit, fired)
  for mark in string.gmatch(marks, '%d+') do
    if tonumber(mark) > fired then return percentOf(limit, tonumber(mark)) end
  end
  return -1
end
