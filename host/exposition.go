package host

import (
	"os"
	"runtime"

	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/metrics"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
	"github.com/wasmlane/wasmlane/host/internal/server"
)

// exposition returns all metrics as they are now. docs/operations.md says what
// each is good for; a test holds the two together.
func (h *Host) exposition() []byte {
	t := new(metrics.Text)
	h.writeRequests(t)
	h.writePlugins(t)
	h.writeReloads(t)
	h.writeOthers(t)
	h.writeTargets(t)
	h.writeRegistration(t)
	h.writeSpans(t)
	h.writeConnections(t)
	writeRuntime(t)
	h.writeProcess(t)
	return t.Bytes()
}

// gauge writes a family of one sample.
func gauge(t *metrics.Text, name, help string, value float64) {
	t.Family(name, metrics.KindGauge, help)
	t.Float(name, "", value)
}

// counter writes a family of one sample.
func counter(t *metrics.Text, name, help string, value uint64) {
	t.Family(name, metrics.KindCounter, help)
	t.Uint(name, "", value)
}

func (h *Host) writeRequests(t *metrics.Text) {
	each := func(write func(*metrics.Route)) {
		write(h.counters.unrouted)
		h.counters.routes.Each(func(_ metrics.RouteName, r *metrics.Route) { write(r) })
	}
	const total, duration = "wasmlane_requests_total", "wasmlane_request_duration_seconds"
	t.Family(total, metrics.KindCounter, "Requests answered, calls between plugins included; without a route when none took the request.")
	each(func(r *metrics.Route) { r.WriteCounts(t, total) })
	t.Family(duration, metrics.KindHistogram, "Time from the request's head to the end of its answer.")
	each(func(r *metrics.Route) { r.WriteDurations(t, duration) })
	gauge(t, "wasmlane_requests_in_flight", "Requests of clients being served.", float64(h.inFlight.Load()))
	gauge(t, "wasmlane_request_body_bytes", "Bytes of request bodies held.", float64(h.budget.Used()))
}

func (h *Host) writePlugins(t *metrics.Text) {
	g := h.current.Acquire()
	if g != nil {
		defer g.Release()
		writeLoaded(t, g)
		writePools(t, g)
	}
	type record = generation.Record
	page := uint64(os.Getpagesize())
	for _, f := range []struct {
		name, help string
		of         func(*record) float64
	}{
		{"wasmlane_pool_created_total", "Instances made.", func(r *record) float64 { return float64(r.Pool.Created.Load()) }},
		{"wasmlane_pool_waits_total", "Requests that had to wait for an instance.", func(r *record) float64 { return float64(r.Pool.Waits.Load()) }},
		{"wasmlane_pool_wait_seconds_total", "Time that requests waited for an instance.", func(r *record) float64 { return float64(r.Pool.Waited.Load()) / 1e9 }},
		{"wasmlane_pool_busy_total", "Requests that got no instance in time.", func(r *record) float64 { return float64(r.Pool.Busy.Load()) }},
		{"wasmlane_resets_total", "Instances put back to their image between two requests.", func(r *record) float64 { return float64(r.Pool.Resets.Load()) }},
		{"wasmlane_dirty_pages_total", "Pages of memory that resets found written; 0 where the system cannot tell.", func(r *record) float64 { return float64(r.Pool.Dirty.Load() / page) }},
	} {
		t.Family(f.name, metrics.KindCounter, f.help)
		h.counters.plugins.Each(func(name string, r *record) {
			t.Float(f.name, metrics.Labels("plugin", name), f.of(r))
		})
	}
	const discarded = "wasmlane_pool_discarded_total"
	t.Family(discarded, metrics.KindCounter, "Instances closed, by reason.")
	h.counters.plugins.Each(func(name string, r *record) {
		for i := range r.Pool.Discarded {
			t.Uint(discarded, metrics.Labels("plugin", name, "reason", sandbox.Reason(i).String()), r.Pool.Discarded[i].Load())
		}
	})
}

// writeLoaded writes how the current generation's plugins were loaded.
func writeLoaded(t *metrics.Text, g *generation.Generation) {
	type plugin = generation.Plugin
	for _, f := range []struct {
		name, help string
		of         func(*plugin) float64
	}{
		{"wasmlane_plugin_loaded", "1 when the plugin has loaded, 0 when its routes answer 503.", func(p *plugin) float64 { return truth(p.Err() == nil) }},
		{"wasmlane_plugin_compile_seconds", "What the plugin's module took to compile, or to come from the cache.", func(p *plugin) float64 { c, _ := p.Took(); return c.Seconds() }},
		{"wasmlane_plugin_init_seconds", "What the plugin's first instance took to initialise.", func(p *plugin) float64 { _, i := p.Took(); return i.Seconds() }},
	} {
		t.Family(f.name, metrics.KindGauge, f.help)
		for _, p := range g.Plugins() {
			t.Float(f.name, metrics.Labels("plugin", p.Name), f.of(p))
		}
	}
}

// writePools writes the current generation's pools as they are now.
func writePools(t *metrics.Text, g *generation.Generation) {
	plugins := g.Plugins()
	stats := make([]sandbox.Stats, len(plugins))
	for i, p := range plugins {
		stats[i] = p.Stats()
	}
	for _, f := range []struct {
		name, help string
		of         func(s *sandbox.Stats) int
	}{
		{"wasmlane_pool_size", "Instances that the plugin may have at once.", func(s *sandbox.Stats) int { return s.Limit }},
		{"wasmlane_pool_in_use", "Instances that serve a request.", func(s *sandbox.Stats) int { return s.InUse }},
		{"wasmlane_pool_idle", "Instances that wait for a request.", func(s *sandbox.Stats) int { return s.Idle }},
		{"wasmlane_pool_waiting", "Requests that wait for an instance.", func(s *sandbox.Stats) int { return s.Waiting }},
	} {
		t.Family(f.name, metrics.KindGauge, f.help)
		for i, p := range plugins {
			t.Uint(f.name, metrics.Labels("plugin", p.Name), uint64(f.of(&stats[i])))
		}
	}
}

func (h *Host) writeReloads(t *metrics.Text) {
	h.history.mu.Lock()
	succeeded, failed, last, lastOK := h.history.succeeded, h.history.failed, h.history.last, h.history.lastOK
	h.history.mu.Unlock()
	t.Family("wasmlane_reloads_total", metrics.KindCounter, "Reloads of host.toml and the plugins, by result.")
	t.Uint("wasmlane_reloads_total", metrics.Labels("result", "failure"), failed)
	t.Uint("wasmlane_reloads_total", metrics.Labels("result", "success"), succeeded)
	gauge(t, "wasmlane_last_reload_successful", "1 when the last reload, or the start, succeeded.", truth(lastOK))
	gauge(t, "wasmlane_last_reload_success_timestamp_seconds", "When the configuration in force was taken up, in seconds of Unix time.", float64(last.UnixMilli())/1000)
	gauge(t, "wasmlane_generation", "Number of the current generation.", float64(h.Generation()))
}

// writeOthers writes what plugins ask of the store and of services.
func (h *Host) writeOthers(t *metrics.Text) {
	c := h.counters
	keyspaces := func(write func(*metrics.Operation)) {
		c.keyspaces.Each(func(_ string, k *keyspaceCounter) {
			for _, o := range k.all() {
				write(o)
			}
		})
	}
	const kvTotal, kvDuration = "wasmlane_kv_operations_total", "wasmlane_kv_operation_duration_seconds"
	t.Family(kvTotal, metrics.KindCounter, "Operations of plugins on the store, by result.")
	keyspaces(func(o *metrics.Operation) { o.WriteCounts(t, kvTotal) })
	t.Family(kvDuration, metrics.KindHistogram, "How long operations on the store took.")
	keyspaces(func(o *metrics.Operation) { o.WriteDurations(t, kvDuration) })
	gauge(t, "wasmlane_store_up", "1 when the store answers, as far as is known.", truth(h.storeTrouble() == nil))

	const callTotal, callDuration = "wasmlane_calls_total", "wasmlane_call_duration_seconds"
	t.Family(callTotal, metrics.KindCounter, "Calls of plugins to services and origins, by class of the response's status or by why there was none.")
	c.targets.Each(func(_ string, o callCounter) { o.WriteCounts(t, callTotal) })
	t.Family(callDuration, metrics.KindHistogram, "How long calls took.")
	c.targets.Each(func(_ string, o callCounter) { o.WriteDurations(t, callDuration) })
}

func (h *Host) writeSpans(t *metrics.Text) {
	const total = "wasmlane_trace_spans_total"
	t.Family(total, metrics.KindCounter, "Spans of recorded traces, by what became of them.")
	t.Uint(total, metrics.Labels("result", "dropped"), h.spans.Dropped.Load())
	t.Uint(total, metrics.Labels("result", "sent"), h.spans.Sent.Load())
}

func (h *Host) writeConnections(t *metrics.Text) {
	var s server.Stats
	if listening := h.server.Load(); listening != nil {
		s = listening.Stats()
	}
	gauge(t, "wasmlane_connections", "Open connections of clients.", float64(s.Open))
	counter(t, "wasmlane_connections_accepted_total", "Connections accepted.", s.Accepted)
	const refused = "wasmlane_connections_refused_total"
	t.Family(refused, metrics.KindCounter, "Connections refused, by the limit that was reached.")
	t.Uint(refused, metrics.Labels("limit", "max_connections"), s.RejectedMaxConnections)
	t.Uint(refused, metrics.Labels("limit", "max_connections_per_ip"), s.RejectedPerIP)
	counter(t, "wasmlane_received_bytes_total", "Bytes received from clients, heads and TLS included.", s.BytesRead)
	counter(t, "wasmlane_sent_bytes_total", "Bytes sent to clients, heads and TLS included.", s.BytesWritten)
}

func (h *Host) writeProcess(t *metrics.Text) {
	resident, virtual := memory()
	gauge(t, "process_resident_memory_bytes", "Resident memory.", float64(resident))
	gauge(t, "memory_usage_bytes", "Resident memory, under the name that service registries ask for.", float64(resident))
	gauge(t, "process_virtual_memory_bytes", "Virtual memory, what instances reserve included.", float64(virtual))
	if seconds, ok := cpuSeconds(); ok {
		t.Family("process_cpu_seconds_total", metrics.KindCounter, "Processor time used, of user and system.")
		t.Float("process_cpu_seconds_total", "", seconds)
	}
	if open, most, ok := descriptors(); ok {
		gauge(t, "process_open_fds", "Open file descriptors.", float64(open))
		gauge(t, "process_max_fds", "File descriptors that the process may have open.", float64(most))
	}
	gauge(t, "process_start_time_seconds", "Start of the host, in seconds of Unix time.", float64(h.started.UnixMilli())/1000)
	t.Family("wasmlane_build_info", metrics.KindGauge, "1; the labels say what is running.")
	t.Float("wasmlane_build_info", metrics.Labels("version", h.options.Version, "go_version", runtime.Version()), 1)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
