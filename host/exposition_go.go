package host

import (
	"runtime/metrics"

	text "github.com/wasmlane/wasmlane/host/internal/metrics"
)

// goMetrics are what the Go runtime tells of itself without stopping anything, by
// the names that dashboards know.
var goMetrics = [...]struct{ sample, name, kind, help string }{
	{"/sched/goroutines:goroutines", "go_goroutines", text.KindGauge, "Goroutines."},
	{"/sched/gomaxprocs:threads", "go_sched_gomaxprocs_threads", text.KindGauge, "Threads that may run Go code at once."},
	{"/gc/cycles/total:gc-cycles", "go_gc_cycles_total", text.KindCounter, "Garbage collections."},
	{"/cpu/classes/gc/total:cpu-seconds", "go_gc_cpu_seconds_total", text.KindCounter, "Processor time that garbage collection took, an estimate."},
	{"/gc/heap/goal:bytes", "go_memstats_next_gc_bytes", text.KindGauge, "Size of the heap at which the next garbage collection ends."},
	{"/gc/heap/allocs:bytes", "go_memstats_alloc_bytes_total", text.KindCounter, "Bytes allocated on the heap since the start."},
	{"/gc/heap/objects:objects", "go_memstats_heap_objects", text.KindGauge, "Objects on the heap."},
	{"/memory/classes/heap/objects:bytes", "go_memstats_heap_alloc_bytes", text.KindGauge, "Bytes of objects on the heap."},
	{"/memory/classes/total:bytes", "go_memstats_sys_bytes", text.KindGauge, "Memory that the Go runtime has from the system, without that of instances."},
}

func writeRuntime(t *text.Text) {
	samples := make([]metrics.Sample, len(goMetrics))
	for i := range samples {
		samples[i].Name = goMetrics[i].sample
	}
	metrics.Read(samples)
	for i, m := range goMetrics {
		switch v := samples[i].Value; v.Kind() {
		case metrics.KindUint64:
			t.Family(m.name, m.kind, m.help)
			t.Uint(m.name, "", v.Uint64())
		case metrics.KindFloat64:
			t.Family(m.name, m.kind, m.help)
			t.Float(m.name, "", v.Float64())
		}
	}
}
