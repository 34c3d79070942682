package dashboard

import "strconv"

// Sample is one second of the host.
type Sample struct {
	Time         int64   // when it ended, Unix milliseconds
	Seconds      float32 // how long it was
	Requests     uint32  // answered in it
	ClientErrors uint32  // with 4xx
	Errors       uint32  // with 5xx
	P50, P99     float32 // of their durations, in seconds; negative when there was none
	CPU          float32 // processor time used, in seconds for each second; negative when unknown
	InFlight     uint32  // requests, at its end; so is all that follows
	InUse        uint32  // instances of all plugins
	Idle         uint32
	Waiting      uint32 // requests that wait for an instance
	Memory       uint64 // resident, in bytes
}

// Keep is how many samples are kept: ten minutes of them.
const Keep = 600

// fields names what append writes, in its order.
const fields = `["time","seconds","requests","client_errors","errors","p50","p99","cpu","in_flight","in_use","idle","waiting","memory"]`

// append writes the sample as a JSON array.
func (s *Sample) append(b []byte) []byte {
	b = append(b, '[')
	b = strconv.AppendInt(b, s.Time, 10)
	b = append(b, ',')
	b = strconv.AppendFloat(b, float64(s.Seconds), 'f', 3, 32)
	for _, n := range [...]uint32{s.Requests, s.ClientErrors, s.Errors} {
		b = append(b, ',')
		b = strconv.AppendUint(b, uint64(n), 10)
	}
	for _, f := range [...]float32{s.P50, s.P99, s.CPU} {
		b = append(b, ',')
		if f < 0 {
			b = append(b, "null"...)
		} else {
			b = strconv.AppendFloat(b, float64(f), 'g', 4, 32)
		}
	}
	for _, n := range [...]uint32{s.InFlight, s.InUse, s.Idle, s.Waiting} {
		b = append(b, ',')
		b = strconv.AppendUint(b, uint64(n), 10)
	}
	b = append(b, ',')
	b = strconv.AppendUint(b, s.Memory, 10)
	return append(b, ']')
}

// ring holds the last samples.
type ring struct {
	samples [Keep]Sample
	count   int // of all there were; the last one is at (count-1) % Keep
}

func (r *ring) add(s Sample) {
	r.samples[r.count%Keep] = s
	r.count++
}

// after appends the samples after the first n there ever were, as far as they are
// still kept, each as one element of a JSON array.
func (r *ring) after(b []byte, n int) []byte {
	first := max(n, r.count-Keep)
	for i := first; i < r.count; i++ {
		if i > first {
			b = append(b, ',')
		}
		b = r.samples[i%Keep].append(b)
	}
	return b
}
