-- What of an amount was not used; 0 when nobody knows. `used` is { total, output or nil } tokens or nil, or 'nothing'.
local function unusedOf(line, amount, used)
  local unit = line[UNIT]
  if used == 'nothing' then return amount end
  if not used or unit == 1 then return 0 end
  if unit == 0 then return amount - used.total end
  if not used.output then return 0 end
  return amount - (unit == 3 and used.output or used.total - used.output)
end

-- Takes an amount back from an earlier step; returns whether that one still counts. The latest are looked at first.
local function lessenEarlier(s, step, unused)
  for from = #s.earlier - EARLIER_BYTES + 1, 1, -EARLIER_BYTES do
    local at, amount = struct.unpack(EARLIER, s.earlier, from)
    if at < step then return false end
    if at == step then
      s.earlier = string.sub(s.earlier, 1, from - 1) .. struct.pack(EARLIER, at, amount - unused)
        .. string.sub(s.earlier, from + EARLIER_BYTES)
      return true
    end
  end
  return false
end

local function giveBackSteps(line, unused, atMs)
  local held = line[HELD_STATE]
  if type(held[1]) ~= 'table' then held[1] = readSteps(held[1]) end
  local s, step = held[1], math.floor(atMs / stepMsOf(line))
  if step == s.step and s.high == s.step then
    s.amount = s.amount - unused
  elseif not lessenEarlier(s, step, unused) then
    return
  end
  touch(line)
  s.sum = s.sum - unused
end

local function giveBackWindow(line, unused, atMs)
  local held = line[HELD_STATE]
  if type(held[1]) ~= 'table' then held[1] = readPeriod(held[1]) end
  if held[1].start ~= windowStart(line, atMs) then return end
  touch(line)
  held[1].count = held[1].count - unused
end

-- Ends a permit of `amount` taken at `atMs`. `used` nil: nobody knows, and what was taken stays taken; 'nothing': the
-- call was never made. Needs limits.
local function giveBack(line, amount, used, atMs)
  holdLimit(line)
  local held = line[HELD_STATE]
  if line[1] == 'c' then
    touch(line)
    held[1] = math.max(tonumber(held[1] or 0) - 1, 0)
    return
  end
  local unused = unusedOf(line, amount, used)
  if unused == 0 or not held[1] then return end
  if line[1] == 's' then return giveBackSteps(line, unused, atMs) end
  if line[1] == 'f' then return giveBackWindow(line, unused, atMs) end
  touch(line)
  held[1], held[3] = math.max(tonumber(held[1]) - unused * intervalUsOf(line), 0), true
end
