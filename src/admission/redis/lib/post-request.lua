-- Writes the row of a request that ends without a posting of its own.
-- out  t=request  h=<job outcome now>  r=<reason>  m=<meta JSON>
local function postRequest(job, outcome, reason, meta)
  local head = string.format('%s %s %d', job, outcome, now)
  redis.call('XADD', P .. 'out', '*', 't', 'request', 'h', head, 'r', reason, 'm', meta)
end
