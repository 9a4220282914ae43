--[[ lib/outbox.lua: what the slot tells the ledger; read by redis/read-entry.ts. Needs attempts.
  out  stream of one field e, packed (d double, s text that ends in NUL, B byte), its first byte says what it is:
       P  attempt kind outcome ('' = goes on) epoch rev n delta booked hold over rung cap at now job
          B count, windows..., meta (JSON) detail (JSON)
       R  job outcome reason now meta (JSON) saved (nano-USD): a request that ends without a posting of its own
       T  window percent spent limit now
]]
local function tell(packed) redis.call('XADD', P .. 'out', '*', 'e', packed) end

local function post(attempt, r, kind, delta, over, detail, outcome)
  r.rev = r.rev + 1
  tell(struct.pack('<c1sssddddddddddd', 'P', attempt, kind, outcome, EPOCH, r.rev, r.n, delta, r.booked, r.hold, over,
    r.rung, r.cap, r.at, now) .. string.sub(r.value, r.fixed, r.limitsAt - 1) .. r.meta .. '\0' .. detail .. '\0')
  r.meta = ''
end

local function postRequest(job, outcome, reason, meta, saved)
  tell(struct.pack('<c1sssdsd', 'R', job, outcome, reason, now, meta, saved or 0))
end

local function postThreshold(name, percent, spent, limit)
  tell(struct.pack('<c1sdddd', 'T', name, percent, spent, limit, now))
end
