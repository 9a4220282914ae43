-- Whether this caller fills the slot while it is closed to everybody else: a move, or the process that reopens it. What
-- it does keeps the claim of a process that reopens alive.
local CLAIM_MS = 15000

local function isClaimed(slot, token)
  local state, epoch = string.match(slot or '', '^(%S+) (%d+)')
  if state ~= 'closed' or tonumber(epoch) ~= EPOCH then return false end
  if redis.call('GET', P .. 'move') == token then return true end
  if redis.call('GET', P .. 'reopen') ~= token then return false end
  redis.call('PEXPIRE', P .. 'reopen', CLAIM_MS)
  return true
end
