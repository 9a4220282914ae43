--[[ lib/fair.lua: whose turn it is, line by line as model/fair.ts. Needs state.
  turns:<queue>               virtual, mean nano, lap, clean lap, turned at, due
  flow:<queue>/<tier>/<tenant>  finish tag; forgotten when it asks nothing for a day
]]
local UNIT, MOST_RATIO, LEAST_RATIO, MEAN_JOBS, LATE_UNITS = 16384, 16, 0.25, 64, 64
local LAP, LAST_PLACE = 524288, 1048575
local LOOK_AGAIN_MS, FLOW_KEEP_MS = 60000, 86400000
local TURNS = '<dddddd'

-- Who asks for a turn; nobody when the queue is '', and without a flow none will be handed out.
local function askOf(queue, flow, cost, weight)
  if queue == '' then return nil end
  local flowAt = flow ~= '' and want(P .. 'flow:' .. queue .. '/' .. flow)
  return { turnsAt = want(P .. 'turns:' .. queue), flowAt = flowAt, cost = cost, weight = weight }
end

local function readTurns(value)
  if not value then return { virtual = 0, mean = 0, lap = 0, clean = 0, turnedAt = 0, due = 0 } end
  local virtual, mean, lap, clean, turnedAt, due = struct.unpack(TURNS, value)
  return { virtual = virtual, mean = mean, lap = lap, clean = clean, turnedAt = turnedAt, due = due }
end

local function readFlow(value) return { finish = value and struct.unpack('<d', value) or 0 } end
local function flowText(finish) return struct.pack('<d', finish) end

-- What is to be written back, each once: position -> record.
local turnsMoved, flowsMoved
eachCall(function() turnsMoved, flowsMoved = {}, {} end)
local function turnsOf(ask) return recordAt(ask.turnsAt, readTurns) end
local function flowOf(ask) return recordAt(ask.flowAt, readFlow) end

local function priorityOf(turns, tag)
  local place = math.min(math.max(math.floor(tag / UNIT) - turns.lap * LAP + 1, 1), LAST_PLACE)
  return 2 * place + turns.lap % 2
end

local function tagOf(turns, priority)
  local ofLap = priority % 2 == turns.lap % 2 and turns.lap or math.max(turns.lap - 1, 0)
  return (ofLap * LAP + math.floor(priority / 2) - 1) * UNIT
end

local function stepOf(ask, mean)
  local ratio = mean > 0 and math.min(math.max(ask.cost / mean, LEAST_RATIO), MOST_RATIO) or 1
  return math.max(math.floor(UNIT * ratio / ask.weight), 1)
end

local function takeTurn(ask)
  local turns, flow = turnsOf(ask), flowOf(ask)
  turns.mean = turns.mean > 0 and turns.mean + (ask.cost - turns.mean) / MEAN_JOBS or turns.mean + ask.cost
  local start = math.max(turns.virtual, flow.finish)
  flow.finish = start + stepOf(ask, turns.mean)
  turnsMoved[ask.turnsAt], flowsMoved[ask.flowAt] = turns, flow
  return priorityOf(turns, start)
end

local function nextTurn(ask)
  local turns = turnsOf(ask)
  return priorityOf(turns, math.max(turns.virtual, flowOf(ask).finish))
end

local function moveTurns(ask, priority)
  local turns = turnsOf(ask)
  local tag = tagOf(turns, priority)
  if tag <= turns.virtual then return end
  turns.virtual = tag
  turnsMoved[ask.turnsAt] = turns
end

-- Returns the reply to a job that comes back (it has a flow) long after its turn, nothing to all others.
local function lateReply(ask, priority)
  local turns = turnsOf(ask)
  if not ask.flowAt or turns.virtual - tagOf(turns, priority) <= LATE_UNITS * UNIT then return end
  return { 'late', takeTurn(ask) }
end

local function turnsText(t) return struct.pack(TURNS, t.virtual, t.mean, t.lap, t.clean, t.turnedAt, t.due) end

local function writeFairness()
  for at, turns in pairs(turnsMoved) do redis.call('SET', keys[at], turnsText(turns)) end
  for at, flow in pairs(flowsMoved) do
    redis.call('SET', keys[at], flowText(flow.finish), 'PX', FLOW_KEEP_MS)
  end
end
