--[[ credit.lua: sets what is granted on top of a window's limit until an instant; an amount of 0 revokes it. (PROTOCOL 3.12)
  ARGV[1]  epoch now id amount until window (its key) policy, then its terms: start end limit warn marks; from `policy` on only for a window
           that nobody has opened yet
  Reply    set limit spent held | lapsed: the credit or its window has ended | unavailable | epoch-changed epoch
  Keeps    set, not added: twice is once; what was revoked never counts again, however late its grant arrives; a window
           that has ended is not opened again
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/windows.lua
begin(KEYS[1], ARGV[1])
local id, amount, untilMs, name, policy, startMs, endMs, limit, warn, marks =
  struct.unpack('<sddsddddBs', ARGV[1], at1)
local at = want(P .. 'w:' .. name)
fetch()
local shut = closed(found[1])
if shut then return shut end
local w = windowAt(at)
local terms = { base = limit, credits = {}, fired = 0, startMs = startMs, endMs = endMs, warn = warn, marks = marks }
if w[POLICY] >= 0 then terms = termsOf(w) end
if now >= untilMs or now >= terms.endMs then return { 'lapsed' } end
if w[POLICY] < 0 then
  openWindow(at, endMs)
  w[POLICY] = policy
end
local known
for _, credit in ipairs(terms.credits) do
  if credit.id == id then known = credit end
end
if known then
  known.amount = math.min(known.amount, amount)
else
  terms.credits[#terms.credits + 1] = { id = id, amount = amount, untilMs = untilMs }
end
setTerms(w, terms)
changed[at] = w
writeWindows({})
return { 'set', w[LIMIT], w[SPENT], w[HELD] }
