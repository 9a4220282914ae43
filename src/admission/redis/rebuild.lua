--[[ rebuild.lua: makes counters again from what the ledger has, the outbox after that and the live holds. (PROTOCOL 3.9)
  ARGV[1]  epoch now watermark (of the ledger's sums) apply 0|1: 0 only looks
  ARGV[2..] a window each (the caller bounds the loop): key spent (by the ledger, nano)
  Reply    rebuilt (place, from 0; spent held before; spent held after)... of the windows that exist
           | retry: the outbox after the watermark is not whole any more | unavailable | epoch-changed epoch
  Keeps    law 4: counters are the ledger's sum and the outbox after its watermark; one step, beside any traffic
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/windows.lua
--- include lib/limits.lua
--- include lib/attempts.lua
--- include lib/outbox-ids.lua
begin(KEYS[1], ARGV[1])
local PAGE = 1000

local slot = redis.call('GET', KEYS[1])
local shut = closed(slot)
if shut then return shut end
local watermark, apply = struct.unpack('<sB', ARGV[1], at1)
local trimmed = string.match(slot, '^%S+ %d+ %S+ (%S+)')
if isAfter(trimmed, watermark) then return { 'retry' } end

local spent, held, asked = {}, {}, {}
for i = 2, #ARGV do
  local name, sum = struct.unpack('<sd', ARGV[i])
  asked[i - 1] = { name = name, at = want(P .. 'w:' .. name) }
  spent[name], held[name] = sum, 0
end
fetch()

local function addPosting(packed)
  local attempt, kind, outcome, epoch, rev, n, delta = struct.unpack('<xsssdddd', packed)
  -- Behind the eleven numbers of a posting: its job and its windows (lib/outbox.lua).
  local at = 1 + 1 + #attempt + 1 + #kind + 1 + #outcome + 1 + 11 * 8
  local _, count
  _, count, at = struct.unpack('<sB', packed, at)
  for _ = 1, count do
    local name
    name, at = struct.unpack('<s', packed, at)
    if spent[name] then spent[name] = spent[name] + delta end
  end
end

local from = watermark == '0' and '-' or '(' .. watermark
repeat
  local page = redis.call('XRANGE', P .. 'out', from, '+', 'COUNT', PAGE)
  for _, entry in ipairs(page) do
    if string.sub(entry[2][2], 1, 1) == 'P' then addPosting(entry[2][2]) end
    from = '(' .. entry[1]
  end
until #page < PAGE

local live = redis.call('ZRANGE', P .. 'exp', 0, -1)
for first = 1, #live, PAGE do
  local names = {}
  for i = first, math.min(first + PAGE - 1, #live) do names[#names + 1] = P .. 'a:' .. live[i] end
  for _, value in ipairs(redis.call('MGET', unpack(names))) do
    local record = readAttempt(value)
    if record and record.st == 'H' then
      for _, name in ipairs(record.windows) do
        if held[name] then held[name] = held[name] + record.hold end
      end
    end
  end
end

local reply = { 'rebuilt' }
for i, window in ipairs(asked) do
  local w, name = windowAt(window.at), window.name
  if w[POLICY] >= 0 then
    for _, value in ipairs({ i - 1, w[SPENT], w[HELD], spent[name], held[name] }) do reply[#reply + 1] = value end
    if apply == 1 and (w[SPENT] ~= spent[name] or w[HELD] ~= held[name]) then
      w[SPENT], w[HELD] = spent[name], held[name]
      changed[window.at] = w
    end
  end
end
writeWindows({})
return reply
