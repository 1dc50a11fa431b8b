-- Asks for one path and prints what was seen as one line of JSON.
function init(args) wrk.headers["Accept"] = "image/avif,image/webp,*/*;q=0.8" end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'tropa-bench {"requests":%d,"duration_us":%d,"p50_us":%d,"p95_us":%d,"p99_us":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
