-- Ids of the outbox, "<ms>-<seq>"; "0" is before all of them.
local function idParts(id)
  local ms, seq = string.match(id, '^(%d+)-?(%d*)$')
  return tonumber(ms), tonumber(seq ~= '' and seq or '0')
end

local function isAfter(id, other)
  local ms, seq = idParts(id)
  local otherMs, otherSeq = idParts(other)
  return ms > otherMs or (ms == otherMs and seq > otherSeq)
end
