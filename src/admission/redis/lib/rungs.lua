--[[ lib/rungs.lua: model/rungs.ts, line by line. Needs windows.
  An offer is { fixedNano, outputPico, capTokens, floorTokens, until (-1 = none), inputTokens, gate }.
]]
local function amountFor(offer, cap)
  local pico = cap * offer[2]
  local rest = pico % 1000
  return offer[1] + (pico - rest) / 1000 + (rest > 0 and 1 or 0)
end

local function roomIn(w, percent)
  return (percent < 0 and w[LIMIT] or percentOf(w[LIMIT], percent)) - w[SPENT] - w[HELD]
end

-- Place of the window that has the least room for this rung, from 1; 0 = there is none.
local function tightestOf(offer, windows)
  local tightest, least = 0, math.huge
  for i, w in ipairs(windows) do
    local room = roomIn(w, offer[5])
    if room < least then tightest, least = i, room end
  end
  return tightest
end

-- The output cap that each of these windows can pay for on this rung, or -1.
local function affordableCap(offer, windows)
  local room, percent, cap = 9007199254740991, offer[5], offer[3]
  for i = 1, #windows do
    local here = roomIn(windows[i], percent)
    if here < room then room = here end
  end
  if amountFor(offer, cap) <= room then return cap end
  local forOutput = room - offer[1]
  if percent >= 0 or forOutput < 0 or offer[2] == 0 then return -1 end
  cap = math.min(math.floor(forOutput * 1000 / offer[2]), cap)
  if amountFor(offer, cap) > room then cap = cap - 1 end
  return cap >= offer[4] and cap or -1
end
