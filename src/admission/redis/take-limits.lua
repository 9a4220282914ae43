--[[ take-limits.lua: requests of applications that are no jobs: each takes one of each of its limits, or of none; one
  command after the other, as many as one process asks for at once.
  ARGV[1]  epoch now
  ARGV[2..] a command each (the caller bounds the loop): count, then per limit: kind name limit perMs burst flags (lib/limits)
  Reply    per command: taken (remaining resetAt)... | refused index (remaining resetAt, or retryAt where it is full)...
           | unavailable | epoch-changed epoch
]]
--- include lib/slot.lua
--- include lib/state.lua
--- include lib/batch.lua
--- include lib/limits.lua
local function readCommand(packed)
  local count, at = struct.unpack('<B', packed)
  local limits = {}
  for i = 1, count do
    limits[i], at = readLimit(packed, at)
    wantLimit(limits[i])
  end
  return limits
end

local function takeAll(limits)
  local refused, refusal = -1, { 'refused', -1 }
  for i, line in ipairs(limits) do
    holdLimit(line)
    local fits, retryAt, remaining, resetAt = measure(line, 1)
    if not fits and refused < 0 then refused = i - 1 end
    refusal[#refusal + 1] = remaining
    refusal[#refusal + 1] = fits and resetAt or retryAt
  end
  refusal[2] = refused
  if refused >= 0 then return refusal end
  local reply = { 'taken' }
  for _, line in ipairs(limits) do take(line, 1) end
  for _, line in ipairs(limits) do
    local _, _, remaining, resetAt = measure(line, 0)
    reply[#reply + 1] = remaining
    reply[#reply + 1] = resetAt
  end
  return reply
end

local function run(KEYS, ARGV)
  local replies = answerEach(KEYS, ARGV, readCommand, takeAll)
  writeLimits()
  return replies
end

return run(KEYS, ARGV)
