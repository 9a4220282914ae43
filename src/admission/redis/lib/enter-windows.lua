--[[ lib/enter-windows.lua: the windows of a plan as the slot has them. Needs windows. `c` is a command: policy, packed, windows
  (their positions), termsAt: where its terms are, per window: startMs endMs limitNano warn-only marks.
]]
-- Opens missing windows and takes over the limits of a newer policy. Beside a grant, the only place that creates one.
local function enterWindows(c, windows)
  local at = c.termsAt
  for i, w in ipairs(windows) do
    local startMs, endMs, limit, warn, marks
    startMs, endMs, limit, warn, marks, at = struct.unpack('<dddBs', c.packed, at)
    if w[POLICY] ~= c.policy then
      local terms = { fired = 0, credits = {} }
      if w[POLICY] < 0 then openWindow(c.windows[i], endMs) else terms = termsOf(w) end
      terms.base, terms.startMs, terms.endMs, terms.warn, terms.marks = limit, startMs, endMs, warn, marks
      w[POLICY] = c.policy
      setTerms(w, terms)
      changed[c.windows[i]] = w
    end
  end
end
