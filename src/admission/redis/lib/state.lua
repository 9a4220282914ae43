--[[ lib/state.lua: what a script has read of the slot, each key once; commands of one script see what those before them did.
  found    values by position, false where there is none; found[1] is the slot's
  records  what was read out of them, by position; changed in place, written back at the end
]]
local keys, place, found, records, fetched
eachCall(function(slotKey) keys, place, found, records, fetched = { slotKey }, {}, {}, {}, 0 end)

-- Returns the position at which the value of a key will be found.
local function want(key)
  local at = place[key]
  if not at then
    at = #keys + 1
    keys[at], place[key] = key, at
  end
  return at
end

-- Reads what is wanted and not yet known, all at once.
local function fetch()
  if fetched == #keys then return end
  for i, value in ipairs(redis.call('MGET', unpack(keys, fetched + 1))) do found[fetched + i] = value end
  fetched = #keys
end

local function recordAt(at, read)
  local record = records[at]
  if not record then
    record = read(found[at])
    records[at] = record
  end
  return record
end
