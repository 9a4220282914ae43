--[[ close-lease.lua: gives back what is left of an allowance. (PROTOCOL 3.11.4)
  ARGV[1]  epoch now lease count, then every attempt that its journal knows (the caller bounds the loop)
  Reply    closed released | unreplayed missing: so many of them were never booked | unavailable | epoch-changed epoch
  Keeps    law 3: nothing is given back that a call of the journal may have cost; an unknown allowance leaves a tombstone
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/give-back.lua
--- include lib/attempts.lua
--- include lib/outbox.lua
--- include lib/book.lua
begin(KEYS[1], ARGV[1])
local PAGE = 1000
local lease, count, after = struct.unpack('<sd', ARGV[1], at1)
local at = want(P .. 'a:' .. lease)
fetch()
local shut = closed(found[1])
if shut then return shut end
local record = recordAt(at, readAttempt)
if not record then
  local tombstone = { st = 'R', rev = 0, booked = 0, rung = 0, hold = 0, cap = 0, n = 0, at = now, tokens = 0 }
  endAttempt(keys[at], readAttempt(headText(tombstone) .. '\0\0\0\0'))
  return { 'closed', 0 }
end
if record.st ~= 'H' and record.st ~= 'U' then return { 'closed', 0 } end

local missing, name = 0, nil
for first = 1, count, PAGE do
  local page = {}
  for i = first, math.min(first + PAGE - 1, count) do
    name, after = struct.unpack('<s', ARGV[1], after)
    page[#page + 1] = P .. 'a:' .. name
  end
  missing = missing + #page - redis.call('EXISTS', unpack(page))
end
if missing > 0 then return { 'unreplayed', missing } end

wantChain(record)
fetch()
local held = record.st == 'H'
local released, delta = held and record.hold or record.booked, held and 0 or 0 - record.booked
move(record, delta, held and -record.hold or 0)
record.st, record.booked = 'R', 0
unheld[#unheld + 1] = lease
post(lease, record, 'released', delta, 0, '', '')
endAttempt(keys[at], record)
writeBooked()
return { 'closed', released }
