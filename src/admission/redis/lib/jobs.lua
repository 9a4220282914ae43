-- j:<job>  queued 0|1, cancelled 0|1, takes that held, outcome or '', calls it waited for, the last of them; kept for a while after it was made
local function readJob(value)
  if not value then return { queued = 0, cancelled = 0, n = 0, done = '', joins = 0, joined = '' } end
  local queued, cancelled, n, done, joins, joined = struct.unpack('<BBdsBs', value)
  return { queued = queued, cancelled = cancelled, n = n, done = done, joins = joins, joined = joined, known = true }
end

local function writeJob(key, record)
  local value = struct.pack('<BBdsBs', record.queued, record.cancelled, record.n, record.done, record.joins, record.joined)
  if record.known then
    redis.call('SET', key, value, 'KEEPTTL')
  else
    redis.call('SET', key, value, 'PX', 2 * KEEP_MS)
    record.known = true
  end
end
