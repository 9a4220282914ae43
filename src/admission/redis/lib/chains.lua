--[[ lib/chains.lua: what governs a rung (model/chains.ts). Chain 0 is every window and limit of the plan.
  windows, keysAt  records of those that may refuse, and their positions among the keys
  windowPlaces     their places in the plan (nil = as they stand)
  watched, watchedAt  the same of those that only count (nil = there is none)
  limits, places   lines, and their places in the plan (nil = as they stand)
  governs          windows of the plan that may refuse, by place from 1 (nil = all)
  from, to         the part of the command that a hold on it keeps
]]
local function readPlaces(packed, at)
  local count, places = nil, {}
  count, at = struct.unpack('<B', packed, at)
  for i = 1, count do places[i], at = struct.unpack('<B', packed, at) end
  return places, at
end

local function readChain(c, windows, at)
  local places, watched, limitPlaces, from, to
  places, at = readPlaces(c.packed, at)
  watched, at = readPlaces(c.packed, at)
  limitPlaces, at = readPlaces(c.packed, at)
  from, to, at = struct.unpack('<dd', c.packed, at)
  local chain = { windows = {}, keysAt = {}, windowPlaces = places, watched = {}, watchedAt = {}, limits = {},
    places = limitPlaces, governs = {}, from = from, to = to - 1 }
  for i, place in ipairs(places) do
    chain.windows[i], chain.keysAt[i], chain.governs[place + 1] = windows[place + 1], c.windows[place + 1], true
  end
  for i, place in ipairs(watched) do
    chain.watched[i], chain.watchedAt[i] = windows[place + 1], c.windows[place + 1]
  end
  for i, place in ipairs(limitPlaces) do chain.limits[i] = c.limits[place + 1] end
  return chain, at
end

-- Returns the chains by number, how many rungs follow, and where.
local function readChains(c, windows)
  local chains, at = {}, c.chainsAt
  chains[0] = { windows = windows, keysAt = c.windows, limits = c.limits, from = c.fixedAt, to = -1 }
  for number = 1, c.chainCount do chains[number], at = readChain(c, windows, at) end
  local rungCount, rungsAt = struct.unpack('<B', c.packed, at)
  return chains, rungCount, rungsAt
end
