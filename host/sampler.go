package host

import (
	"math"
	"sync"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/dashboard"
	"github.com/wasmlane/wasmlane/host/internal/metrics"
)

// Every windowStep the totals of each route are put aside, and so windowSteps of
// them reach back a minute.
const (
	windowStep  = 10 * time.Second
	windowSteps = 6
)

// sampler looks at a host once a second. What it keeps is bounded by the routes
// of host.toml and those that were there in the last ten minutes: 1.2 KB for each.
type sampler struct {
	host *Host

	mu      sync.Mutex
	last    time.Time
	all     metrics.Totals // at last
	cpu     float64        // likewise
	routes  map[metrics.RouteName]*routeWindow
	marks   [windowSteps]time.Time // when the totals in the same place were put aside
	marked  int                    // how many times that was
	visited int                    // counts the samples
}

// routeWindow is one route over the last minute.
type routeWindow struct {
	now     metrics.Totals
	before  [windowSteps]metrics.Totals // at sampler.marks
	visited int                         // the last sample that found the route
}

func (h *Host) newSampler() *sampler {
	s := &sampler{host: h, routes: map[metrics.RouteName]*routeWindow{}}
	s.sample(time.Now()) // to begin with
	return s
}

// sample looks at the host, and returns what happened since it last did.
func (s *sampler) sample(now time.Time) dashboard.Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.look(now)
	d := all.Since(&s.all)
	took := max(now.Sub(s.last).Seconds(), 1e-3)
	h := s.host
	sample := dashboard.Sample{
		Time: now.UnixMilli(), Seconds: float32(took),
		Requests: uint32(d.Requests), ClientErrors: uint32(d.ClientErrors), Errors: uint32(d.Errors),
		P50: float32(d.Quantile(0.5).Seconds()), P99: float32(d.Quantile(0.99).Seconds()), CPU: -1,
		InFlight: uint32(h.inFlight.Load()),
	}
	if seconds, ok := cpuSeconds(); ok {
		sample.CPU = float32((seconds - s.cpu) / took)
		s.cpu = seconds
	}
	resident, _ := memory()
	sample.Memory = uint64(resident)
	if g := h.current.Acquire(); g != nil {
		for _, p := range g.Plugins() {
			stats := p.Stats()
			sample.InUse += uint32(stats.InUse)
			sample.Idle += uint32(stats.Idle)
			sample.Waiting += uint32(stats.Waiting)
		}
		g.Release()
	}
	s.last, s.all = now, all
	return sample
}

// look reads the totals of all routes, and puts them aside when that is due.
func (s *sampler) look(now time.Time) (all metrics.Totals) {
	s.visited++
	visit := func(name metrics.RouteName, r *metrics.Route) {
		w := s.routes[name]
		if w == nil {
			w = new(routeWindow) // all that it has counted is of the last minute
			s.routes[name] = w
		}
		w.visited = s.visited
		w.now = metrics.Totals{}
		r.AddTo(&w.now)
		all.Add(&w.now)
	}
	visit(s.host.counters.unrouted.Name(), s.host.counters.unrouted)
	s.host.counters.routes.Each(visit)
	for name, w := range s.routes {
		if w.visited != s.visited {
			delete(s.routes, name)
		}
	}
	if s.marked == 0 || now.Sub(s.marks[(s.marked-1)%windowSteps]) >= windowStep {
		i := s.marked % windowSteps
		s.marks[i] = now
		s.marked++
		for _, w := range s.routes {
			w.before[i] = w.now
		}
	}
	return all
}

// oldest returns the place of the oldest totals put aside, and their age. s.mu is
// held.
func (s *sampler) oldest() (place int, age time.Duration) {
	if s.marked >= windowSteps {
		place = s.marked % windowSteps
	}
	return place, s.last.Sub(s.marks[place])
}

// requests returns how many requests a route has had since the start.
func (s *sampler) requests(name metrics.RouteName) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.routes[name]; w != nil {
		return w.now.Requests
	}
	return 0
}

// route returns what a route did over the last minute.
func (s *sampler) route(name metrics.RouteName) lastMinute {
	s.mu.Lock()
	defer s.mu.Unlock()
	place, age := s.oldest()
	var d metrics.Totals
	if w := s.routes[name]; w != nil {
		d = w.now.Since(&w.before[place])
	}
	return minuteOf(&d, age)
}

// plugin returns what the routes of a plugin did over the last minute.
func (s *sampler) plugin(plugin string) lastMinute {
	s.mu.Lock()
	defer s.mu.Unlock()
	place, age := s.oldest()
	var sum metrics.Totals
	for name, w := range s.routes {
		if name.Plugin == plugin {
			d := w.now.Since(&w.before[place])
			sum.Add(&d)
		}
	}
	return minuteOf(&sum, age)
}

func minuteOf(t *metrics.Totals, age time.Duration) lastMinute {
	m := lastMinute{ClientErrors: t.ClientErrors, Errors: t.Errors}
	if age > 0 {
		m.Rate = math.Round(float64(t.Requests)/age.Seconds()*100) / 100
	}
	if t.Requests > 0 {
		p50, p99 := t.Quantile(0.5).Seconds(), t.Quantile(0.99).Seconds()
		m.P50, m.P99 = &p50, &p99
	}
	return m
}
