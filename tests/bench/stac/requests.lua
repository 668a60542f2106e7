-- wrk: asks the addresses of a file in turn (REQUESTS: one path a line) and prints what bench_stac.py reads.
local paths, at = {}, 0
for line in io.lines(os.getenv("REQUESTS")) do paths[#paths + 1] = line end

local threads = 0
function setup(thread) -- threads begin at different places
  thread:set("at", threads * 37)
  threads = threads + 1
end

local ready = {}
function init()
  for i, path in ipairs(paths) do ready[i] = wrk.format("GET", path) end
end

function request()
  at = at + 1
  return ready[at % #ready + 1]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"us":%d,"bytes":%d,"p50":%d,"p95":%d,"p99":%d,"bad":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(95),
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
