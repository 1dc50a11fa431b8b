-- Asks for one of so many stored files at random and prints what was seen as one line of JSON.
local files = 1
function init(args)
  files = tonumber(args[1])
  math.randomseed(7)
  wrk.headers["Accept"] = "*/*"
end
function request() return wrk.format("GET", "/" .. math.random(0, files - 1) .. ".bin") end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'tropa-bench {"requests":%d,"duration_us":%d,"p50_us":%d,"p95_us":%d,"p99_us":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
