--[[ release.lua: gives back what was held by an attempt that has not sent and never will. (PROTOCOL 3.3)
  command  attempt, job
  Reply    released | kept | unavailable | epoch-changed epoch
  Keeps    an unknown attempt leaves a tombstone, so that its late admission finds `void`
]]
--- include lib/slot.lua
--- include lib/limits.lua
--- include lib/rungs.lua
--- include lib/book.lua
local shut = closed()
if shut then return shut end
local record = readAttempt(command.attempt)
if not record then
  record = { st = 'R', rev = 0, booked = 0, meta = '', job = command.job, rung = 0, hold = 0, cap = 0, n = 0,
    at = now, windows = {}, limits = {} }
  createAttempt(command.attempt, record)
elseif record.st == 'S' then
  return { 'kept' }
elseif record.st == 'H' then
  move(record, 0, -record.hold)
  endPermits(record, 0)
  redis.call('ZREM', P .. 'exp', command.attempt)
elseif record.st == 'U' then
  local delta = 0 - record.booked
  move(record, delta, 0)
  record.booked = 0
  post(command.attempt, record, 'released', delta, 0, '', '')
end
record.st = 'R'
endAttempt(command.attempt, record)
return { 'released' }
