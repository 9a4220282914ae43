--[[ lib/cached.lua: kept answers, and whether one is of use (model/cached.ts). Needs state.
  cache:<key>  "<fresh> <stale> <last> <refresh> <cost> <attempt> <seal>\n<header>\n<payload>"
    fresh, stale, last  ms: so long it answers; it answers while it is made anew; it answers whom no budget pays for
    refresh  ms: so long whoever was told to have it made anew may take
    cost, attempt  what it had cost at list price (nano-USD), and who paid
    seal     SHA-1 of the key, of what stands before it and of the header; the header (cache/codec/header.ts) has the payload's
  What is damaged, of another version, or closed with a key that the asker has not, is a miss.
]]
local ENTRY, SEAL_CHARS, REFRESH_MS = '^(%d+) (%d+) (%d+) (%d+) (%d+) (%S*) (%x+)\n()', 40, 30000

local function sealOf(key, line, header) return redis.sha1hex(key .. '\n' .. line .. '\n' .. header) end

local function entryText(key, e)
  local line = table.concat({ int(e.fresh), int(e.stale), int(e.last), int(e.refresh), int(e.cost), e.attempt }, ' ')
  return line .. ' ' .. sealOf(key, line, string.match(e.sealed, '^[^\n]*')) .. '\n' .. e.sealed
end

-- Returns the entry, its seal unbroken, or nothing.
local function readEntry(key, value)
  local fresh, stale, last, refresh, cost, attempt, seal, at = string.match(value, ENTRY)
  if not at then return end
  local header = string.match(value, '^[^\n]*', at)
  if sealOf(key, string.sub(value, 1, at - SEAL_CHARS - 3), header) ~= seal then return end
  return { fresh = tonumber(fresh), stale = tonumber(stale), last = tonumber(last), refresh = tonumber(refresh),
    cost = tonumber(cost), attempt = attempt, header = header, sealed = string.sub(value, at) }
end

-- Returns why the body of an entry is of no use to who looks, or nothing.
local function badBody(look, e)
  local flags, id, sum = string.match(e.header, '^1(b?e?)%.([%w_-]*)%.(%x+)$')
  if not flags then return string.find(e.header, '^[2-9]') and 'unknown-version' or 'damaged' end
  if string.find(flags, 'e', 1, true) and not string.find(look.known, ' ' .. id .. ' ', 1, true) then
    return 'unknown-key'
  end
  e.had = sum == look.has
  if e.had then return end
  local all = string.sub(e.header, 1, -SEAL_CHARS - 2) .. string.sub(e.sealed, #e.header + 1)
  if redis.sha1hex(all) ~= sum then return 'damaged' end
end

-- look: key, at (position), known (ids of keys, each between blanks), has (checksum of the body that the asker has).
-- Returns an entry that is not older than `upTo` (fresh|stale|last), or nothing and why it is unreadable.
local function findAnswer(look, upTo)
  local value = look and found[look.at]
  if not value then return end
  local e = readEntry(look.key, value)
  if not e then return nil, string.find(value, '^%d+\n') and 'unknown-version' or 'damaged' end
  if now >= e[upTo] then return end
  local why = badBody(look, e)
  if why then return nil, why end
  return e
end

-- Adds to a reply: body ('' = the asker has it), for how long it is fresh, 1 = have it made anew, what it had cost, who paid.
local function tellAnswer(e, reply)
  for _, word in ipairs({ e.had and '' or e.sealed, e.fresh - now, e.told or 0, e.cost, e.attempt }) do
    reply[#reply + 1] = word
  end
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
