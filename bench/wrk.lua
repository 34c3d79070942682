-- Arguments: the path before the id, then, for POST, the size of the body.
-- The requests are made beforehand, so that Lua costs next to nothing while it
-- measures; 512 ids, so that nobody answers from memory.
local requests, n, count = {}, 0, 512

function init(args)
   local path, size = args[1] or "/users/", tonumber(args[2] or "")
   if size then
      count = 1
      requests[1] = wrk.format("POST", path, nil, string.rep("x", size))
   else
      for i = 1, count do requests[i] = wrk.format("GET", path .. i) end
   end
end

function request()
   n = n % count + 1
   return requests[n]
end

function done(summary, latency)
   local e = summary.errors
   io.write(string.format(
      'figures: {"requests": %d, "micros": %d, "p50": %f, "p99": %f, "p999": %f, "errors": %d}\n',
      summary.requests, summary.duration,
      latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
      e.connect + e.read + e.write + e.status + e.timeout))
end
