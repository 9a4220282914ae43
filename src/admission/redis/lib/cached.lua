--[[ lib/cached.lua: kept answers, and whether one is of use (model/cached.ts). Needs state.
  cache:<key>  "<fresh> <stale> <last> <refresh> <cost> <attempt> <seal>\n<header>\n<payload>"
    fresh, stale, last  ms: so long it answers; it answers while it is made anew; it answers whom no budget pays for
    refresh  ms: so long whoever was told to have it made anew may take
    cost, attempt  what it had cost at list price (nano-USD), and who paid
    seal     SHA-1 of the key, of what stands before it and of the header; the header (cache/codec/header.ts) has the payload's
  What is damaged, of another version, or closed with a key that the asker has not, is a miss.
]]
local ENTRY, SEAL_CHARS, REFRESH_MS = '^(%d+) (%d+) (%d+) (%d+) (%d+) (%S*) (%x+)\n()([^\n]*)', 40, 30000

local function sealOf(key, line, header) return redis.sha1hex(key .. '\n' .. line .. '\n' .. header) end

-- Returns the entry, its seal unbroken, or nothing.
local function readEntry(key, value)
  local fresh, stale, last, refresh, cost, attempt, seal, at, header = string.match(value, ENTRY)
  if not at then return end
  if sealOf(key, string.sub(value, 1, at - SEAL_CHARS - 3), header) ~= seal then return end
  return { fresh = tonumber(fresh), stale = tonumber(stale), last = tonumber(last), refresh = tonumber(refresh),
    cost = tonumber(cost), attempt = attempt, header = header, value = value, at = at }
end

-- As it was kept; it is long, and who has it is not sent it.
local function sealedIn(e)
  e.sealed = e.sealed or string.sub(e.value, e.at)
  return e.sealed
end

local function entryText(key, e)
  local line = table.concat({ int(e.fresh), int(e.stale), int(e.last), int(e.refresh), int(e.cost), e.attempt }, ' ')
  return line .. ' ' .. sealOf(key, line, string.match(sealedIn(e), '^[^\n]*')) .. '\n' .. e.sealed
end

-- Returns why the body of an entry is of no use to who looks, or nothing.
local function badBody(look, e)
  if not e.sum then
    e.flags, e.id, e.sum = string.match(e.header, '^1(b?e?)%.([%w_-]*)%.(%x+)$')
    if not e.sum then return string.find(e.header, '^[2-9]') and 'unknown-version' or 'damaged' end
  end
  if string.find(e.flags, 'e', 1, true) and not string.find(look.known, ' ' .. e.id .. ' ', 1, true) then
    return 'unknown-key'
  end
  e.had = e.sum == look.has
  if e.had or e.whole then return end
  local all = string.sub(e.header, 1, -SEAL_CHARS - 2) .. string.sub(sealedIn(e), #e.header + 1)
  if redis.sha1hex(all) ~= e.sum then return 'damaged' end
  e.whole = true
end

-- look: key, at (position), known (ids of keys, each between blanks), has (checksum of the body that the asker has).
-- Returns an entry that is not older than `upTo` (fresh|stale|last), or nothing and why it is unreadable.
local function findAnswer(look, upTo)
  local value = look and found[look.at]
  if not value then return end
  -- Those who ask the same at the same time find it read; a refresh that was claimed has made it another one.
  local e = records[look.at]
  if not e or e.value ~= value then
    e = readEntry(look.key, value)
    records[look.at] = e
  end
  if not e then return nil, string.find(value, '^%d+\n') and 'unknown-version' or 'damaged' end
  if now >= e[upTo] then return end
  local why = badBody(look, e)
  if why then return nil, why end
  return e
end

-- Adds to a reply: body ('' = the asker has it), who paid, and as digits: for how long it is fresh, 1 = have it made anew,
-- what it had cost.
local function tellAnswer(e, reply)
  local n = #reply
  reply[n + 1], reply[n + 2] = e.had and '' or sealedIn(e), e.attempt
  reply[n + 3] = string.format('%d %d %d', e.fresh - now, e.told or 0, e.cost)
  return reply
end

-- One of those who are served a stale answer is told to have it made anew.
local function claimRefresh(look, e)
  if e.fresh > now or e.refresh > now then return end
  e.refresh, e.told = now + REFRESH_MS, 1
  found[look.at] = entryText(look.key, e)
  redis.call('SET', keys[look.at], found[look.at], 'KEEPTTL')
end

local function keepAnswer(key, sealed, keep)
  local fresh = now + keep.ttl
  local last = fresh + math.max(keep.staleFor, keep.lastFor)
  local e = { fresh = fresh, stale = fresh + keep.staleFor, last = last, refresh = 0, cost = keep.cost,
    attempt = keep.attempt, sealed = sealed }
  redis.call('SET', P .. 'cache:' .. key, entryText(key, e), 'PX', int(last - now))
end
