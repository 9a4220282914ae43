-- Ends a permit of `amount` taken at `atMs`. `used` is in tokens, nil when unknown: what was taken stays taken;
-- 'nothing' when the call was never made. Needs limits.
local function giveBack(line, amount, used, atMs)
  holdLimit(line)
  local held = line[HELD_STATE]
  if line[1] == 'c' then
    touch(line)
    held[1] = math.max(tonumber(held[1] or 0) - 1, 0)
    return
  end
  local unused = 0
  if used == 'nothing' then
    unused = amount
  elseif used and line[UNIT] == 0 then
    unused = amount - used
  end
  if unused == 0 or not held[1] then return end
  if line[1] == 'b' then
    touch(line)
    held[1], held[3] = math.max(tonumber(held[1]) - unused * intervalUsOf(line), 0), true
    return
  end
  if type(held[1]) ~= 'table' then held[1] = readSteps(held[1]) end
  local s, step = held[1], math.floor(atMs / stepMsOf(line))
  if step == s.step and s.high == s.step then
    s.amount = s.amount - unused
  elseif redis.call('HEXISTS', P .. 'qs:' .. line[2], int(step)) == 1 then
    redis.call('HINCRBY', P .. 'qs:' .. line[2], int(step), int(-unused))
  else
    return
  end
  touch(line)
  s.sum = s.sum - unused
end
