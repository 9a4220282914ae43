--[[ lib/flights.lua: who asks what now, and who waits for it (model/flights.ts). Needs state, jobs.
  f:<cache key>  until, followers (count), attempt: the call under way whose answer others wait for
  fw:<attempt>   list of the jobs that wait for it
]]
local FLIGHT, MAX_JOINS, MAX_FOLLOWERS = '<dds', 3, 10000

-- Returns the reply of a job that waits for somebody else's call, nothing when it has to call itself.
local function joinFlight(at, jobAt, id, job)
  local value = at and found[at]
  if not value then return end
  local untilMs, followers, attempt = struct.unpack(FLIGHT, value)
  if untilMs <= now then return end
  local leaderAt = want(P .. 'a:' .. attempt)
  fetch()
  local leader = found[leaderAt]
  if not leader then return end
  local st, _, _, _, _, _, _, _, _, leaderJob = struct.unpack('<c1dddddddds', leader)
  if st ~= 'H' or leaderJob == id then return end
  if job.joined ~= attempt then
    if job.joins >= MAX_JOINS or followers >= MAX_FOLLOWERS then return end
    job.joined, job.joins = attempt, job.joins + 1
    writeJob(keys[jobAt], job)
    redis.call('RPUSH', P .. 'fw:' .. attempt, id)
    redis.call('PEXPIRE', P .. 'fw:' .. attempt, KEEP_MS)
    found[at] = struct.pack(FLIGHT, untilMs, followers + 1, attempt)
    redis.call('SET', keys[at], found[at], 'KEEPTTL')
  end
  return { 'joined', untilMs, attempt }
end

-- A takeover: who waited for the job's take before waits for this one. Returns how many.
local function takeFollowers(value, attempt, job)
  local untilMs, followers, before = struct.unpack(FLIGHT, value)
  local isOwn = string.sub(before, 1, #job + 1) == job .. '/'
  if untilMs <= now or followers == 0 or not isOwn then return 0 end
  -- Whoever lost keys has lost who waited: they come back by themselves.
  if redis.call('EXISTS', P .. 'fw:' .. before) == 0 then return 0 end
  redis.call('RENAME', P .. 'fw:' .. before, P .. 'fw:' .. attempt)
  return followers
end

local function beginFlight(at, attempt, job, ttlMs)
  if not at then return end
  local followers = found[at] and takeFollowers(found[at], attempt, job) or 0
  found[at] = struct.pack(FLIGHT, now + ttlMs, followers, attempt)
  redis.call('SET', keys[at], found[at], 'PX', int(ttlMs))
end

-- Adds to the reply the jobs that waited for this attempt, each once: a replay answers none.
local function endFlight(at, attempt, reply)
  local value = at and found[at]
  if not value then return reply end
  local _, followers, leader = struct.unpack(FLIGHT, value)
  if leader ~= attempt then return reply end
  redis.call('DEL', keys[at])
  found[at] = false
  if followers > 0 then
    for _, job in ipairs(redis.call('LRANGE', P .. 'fw:' .. attempt, 0, -1)) do reply[#reply + 1] = job end
    redis.call('DEL', P .. 'fw:' .. attempt)
  end
  return reply
end
