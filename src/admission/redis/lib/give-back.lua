-- Ends a permit of `amount` taken at `atMs`. `used` is nil when unknown: what was taken stays taken.
local function giveBack(line, amount, used, atMs)
  local key = P .. 'q:' .. line[2]
  if line[1] == 'c' then
    if redis.call('DECR', key) <= 0 then redis.call('DEL', key) end
    return
  end
  local unused = used and amount - used or 0
  local value = unused ~= 0 and redis.call('GET', key)
  if not value then return end
  if line[1] == 'b' then
    local tat = math.max(tonumber(value) - unused * intervalUsOf(line), 0)
    redis.call('SET', key, int(tat), 'KEEPTTL')
    return
  end
  local s, step = readSteps(value), math.floor(atMs / stepMsOf(line))
  if step == s.step and s.high == s.step then
    s.amount = s.amount - unused
  elseif redis.call('HEXISTS', P .. 'qs:' .. line[2], int(step)) == 1 then
    redis.call('HINCRBY', P .. 'qs:' .. line[2], int(step), int(-unused))
  else
    return
  end
  s.sum = s.sum - unused
  writeSteps(line, s)
end
