--[[
  Appends one chunk of an answer to the log of its job and tells who follows it.
  KEYS[1]  bursar:log:{<job>}  stream  field c = the chunk as JSON
  ARGV[1]  channel   ARGV[2]  chunk   ARGV[3]  entries kept at most, about   ARGV[4]  ms to live
  Reply    the stream id
  Keeps    what is published is in the log before: a follower that missed it finds it there
]]
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'c', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[1], id .. ' ' .. ARGV[2])
return id
