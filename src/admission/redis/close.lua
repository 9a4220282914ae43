--[[ close.lua: judges a server on which the slot did not run before: it has all that was written, or the slot closes until
  its counters are made again. (PROTOCOL 3.10)
  ARGV[1]  epoch now seen (the run id in the slot when it was looked at) run (the server's) kept 0|1 reason
  Reply    open | closed | missing
  Keeps    the first to judge decides: a slot that has run on since is left alone
]]
--- include lib/slot.lua
begin(KEYS[1], ARGV[1])
local seen, run, kept, reason = struct.unpack('<ssBs', ARGV[1], at1)
local slot = redis.call('GET', KEYS[1])
if not slot then return { 'missing' } end
local state, epoch, acked, trimmed, known = string.match(slot, '^(%S+) (%d+) (%S+) (%S+) (%S*)$')
if state ~= 'open' or known ~= seen then return { state } end
if kept == 1 then
  redis.call('SET', KEYS[1], string.format('open %s %s %s %s', epoch, acked, trimmed, run))
  return { 'open' }
end
redis.call('SET', KEYS[1], string.format('closed %s %s %s %s', epoch, acked, trimmed, known))
redis.call('SET', P .. 'lost', int(now) .. ' ' .. reason)
return { 'closed' }
