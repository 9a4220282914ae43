-- gates  "<provider:model> <closed until ms>\n"..., missing while all are open; a 429 closes one for all workers
local function readGates(value)
  local gates = {}
  for name, untilMs in string.gmatch(value or '', '(%S+) (%d+)\n') do gates[name] = tonumber(untilMs) end
  return gates
end

-- Closes one until then, never sooner, and forgets those that have opened.
local function closeGate(gate, untilMs)
  if untilMs <= now then return end
  local gates = readGates(redis.call('GET', P .. 'gates'))
  gates[gate] = math.max(gates[gate] or 0, untilMs)
  local lines, last = {}, 0
  for name, at in pairs(gates) do
    if at > now then
      lines[#lines + 1] = name .. ' ' .. int(at) .. '\n'
      last = math.max(last, at)
    end
  end
  redis.call('SET', P .. 'gates', table.concat(lines), 'PX', int(last - now))
end
