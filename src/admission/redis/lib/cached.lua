-- cache:<key>  "<until ms>\n<body>"; anything unreadable is a miss.
local function cachedBody(value)
  local cut = value and string.find(value, '\n', 1, true)
  local untilMs = cut and tonumber(string.sub(value, 1, cut - 1))
  if untilMs and untilMs > now then return string.sub(value, cut + 1) end
end
