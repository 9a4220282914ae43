--[[ lib/attempts.lua: the record of one attempt. Needs state, limits.
  a:<attempt>  st H|U|S|R, rev, booked, rung, hold, cap, n, at, tokens taken from each token limit; then what the plan
               fixed, as it came: job, windows, limits, meta. An ended attempt forgets its meta: the ledger has it.
]]
local HEAD = '<c1dddddddd'

local function readAttempt(value)
  if not value then return nil end
  local windows, limits = {}, {}
  local st, rev, booked, rung, hold, cap, n, heldAt, tokens, fixed = struct.unpack(HEAD, value)
  local job, count, at = struct.unpack('<sB', value, fixed)
  for i = 1, count do windows[i], at = struct.unpack('<s', value, at) end
  local limitsAt = at
  count, at = struct.unpack('<B', value, at)
  for i = 1, count do limits[i], at = readLimit(value, at) end
  -- Written out: a table that is made at its full size costs half of one that grows.
  return { st = st, rev = rev, booked = booked, rung = rung, hold = hold, cap = cap, n = n, at = heldAt,
    tokens = tokens, job = job, windows = windows, limits = limits, value = value, fixed = fixed, limitsAt = limitsAt,
    metaAt = at, meta = (struct.unpack('<s', value, at)) }
end

local function headText(r)
  return struct.pack(HEAD, r.st, r.rev, r.booked, r.rung, r.hold, r.cap, r.n, r.at, r.tokens)
end

-- Names all that the end of an attempt moves, for the next fetch; `windowsAt` are the positions of its windows.
local function wantChain(r)
  r.windowsAt = {}
  for i, name in ipairs(r.windows) do r.windowsAt[i] = want(P .. 'w:' .. name) end
  for _, line in ipairs(r.limits) do wantLimit(line) end
end

-- Writes the end of an attempt; ended attempts are forgotten after a while, held ones never.
local function endAttempt(key, r)
  local value = headText(r) .. string.sub(r.value, r.fixed, r.metaAt - 1) .. '\0'
  redis.call('SET', key, value, 'PX', KEEP_MS)
end
