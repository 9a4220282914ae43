--[[ lib/batch.lua: many commands in one call. Reads lib/state.
  readCommand  decodes one, and wants the keys that its decision needs
  decide       answers one; what it changes, the next one sees; whoever calls writes it at the end
  prepare      given all of them once they are read, where the slot is open; nil = nothing more is needed
]]
local function answerEach(KEYS, ARGV, readCommand, decide, prepare)
  begin(KEYS[1], ARGV[1])
  local commands, replies = {}, {}
  for i = 2, #ARGV do commands[i - 1] = readCommand(ARGV[i]) end
  fetch()
  local shut = closed(found[1])
  if prepare and not shut then prepare(commands) end
  for i, command in ipairs(commands) do replies[i] = shut or decide(command) end
  return replies
end
