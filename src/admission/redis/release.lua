--[[ release.lua: gives back what was held by an attempt that has not sent and never will. (PROTOCOL 3.3)
  ARGV[1]  epoch now attempt job flight ('' = none)
  Reply    released followers... | kept | unavailable | epoch-changed epoch
  Keeps    an unknown attempt leaves a tombstone, so that its late admission finds `void`
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/give-back.lua
--- include lib/attempts.lua
--- include lib/outbox.lua
--- include lib/book.lua
--- include lib/jobs.lua
--- include lib/flights.lua
begin(KEYS[1], ARGV[1])
local attempt, job, flight = struct.unpack('<sss', ARGV[1], at1)
local held, flightAt = want(P .. 'a:' .. attempt), flight ~= '' and want(P .. 'f:' .. flight)
fetch()
local shut = closed(found[1])
if shut then return shut end
local record = recordAt(held, readAttempt)
if record then
  wantChain(record)
  fetch()
end
if not record then
  local tombstone = { st = 'R', rev = 0, booked = 0, rung = 0, hold = 0, cap = 0, n = 0, at = now, tokens = 0 }
  record = readAttempt(headText(tombstone) .. job .. '\0\0\0\0')
elseif record.st == 'S' then
  return { 'kept' }
elseif record.st == 'H' then
  move(record, 0, -record.hold)
  endPermits(record, 'nothing')
  unheld[2] = attempt
elseif record.st == 'U' then
  local delta = 0 - record.booked
  move(record, delta, 0)
  record.booked = 0
  post(attempt, record, 'released', delta, 0, '', '')
end
record.st = 'R'
endAttempt(keys[held], record)
writeBooked()
return endFlight(flightAt, attempt, { 'released' })
