--[[ lib/attempts.lua: the record of one attempt. Needs limits.
  a:<attempt>  st H|U|S|R, rev, booked, rung, hold, cap, n, at, tokens taken from each token limit; then what the plan
               fixed, as it came: job, windows, limits, meta. An ended attempt forgets its meta: the ledger has it.
]]
local HEAD = '<c1dddddddd'

local function readAttempt(value)
  if not value then return nil end
  local record, at = { windows = {}, limits = {} }, nil
  record.st, record.rev, record.booked, record.rung, record.hold, record.cap, record.n, record.at, record.tokens, at =
    struct.unpack(HEAD, value)
  record.fixed = at
  local count
  record.job, count, at = struct.unpack('<sB', value, at)
  for i = 1, count do record.windows[i], at = struct.unpack('<s', value, at) end
  count, at = struct.unpack('<B', value, at)
  for i = 1, count do
    record.limits[i], at = readLimit(value, at)
  end
  record.value, record.metaAt = value, at
  record.meta = struct.unpack('<s', value, at)
  return record
end

local function headText(r)
  return struct.pack(HEAD, r.st, r.rev, r.booked, r.rung, r.hold, r.cap, r.n, r.at, r.tokens)
end

-- Writes the end of an attempt; ended attempts are forgotten after a while, held ones never.
local function endAttempt(attempt, r)
  local value = headText(r) .. string.sub(r.value, r.fixed, r.metaAt - 1) .. '\0'
  redis.call('SET', P .. 'a:' .. attempt, value, 'PX', KEEP_MS)
end
