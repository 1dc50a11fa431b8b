-- Asks for so many objects in their order, from a given one on, round and round.
local count, number = 1, 0
function init(args) count, number = tonumber(args[1]), tonumber(args[2]) end
function request()
  number = (number + 1) % count
  return wrk.format("GET", "/" .. number .. ".bin")
end
