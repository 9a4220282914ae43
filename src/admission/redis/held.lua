--[[ held.lua: what a closed slot still holds, a page of it.
  ARGV[1]  epoch now from count (places in the order of expiry)
  Reply    how many were looked at, then per hold: attempt job rung hold cap n at meta windows (how many) windows...
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/limits.lua
--- include lib/attempts.lua
begin(KEYS[1], ARGV[1])
local from, count = struct.unpack('<dd', ARGV[1], at1)
local names = redis.call('ZRANGE', P .. 'exp', int(from), int(from + count - 1))
local places, reply = {}, { #names }
for i, attempt in ipairs(names) do places[i] = want(P .. 'a:' .. attempt) end
fetch()
for i, attempt in ipairs(names) do
  local r = readAttempt(found[places[i]])
  if r and r.st == 'H' then
    for _, word in ipairs({ attempt, r.job, r.rung, r.hold, r.cap, r.n, r.at, r.meta, #r.windows }) do
      reply[#reply + 1] = word
    end
    for _, name in ipairs(r.windows) do reply[#reply + 1] = name end
  end
end
return reply
