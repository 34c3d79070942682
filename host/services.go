package host

import (
	"github.com/wasmlane/wasmlane/host/internal/metrics"
	"github.com/wasmlane/wasmlane/host/internal/upstream"
)

// serviceStatus is what a host says of a service that plugins may call.
type serviceStatus struct {
	Name    string           `json:"name"`
	Local   bool             `json:"local"`             // this host serves it itself
	Plugins []string         `json:"plugins,omitempty"` // whose routes it reaches then
	Remote  *upstream.Status `json:"remote,omitempty"`  // its targets otherwise
}

// services describes the services of the current generation, sorted by name.
func (h *Host) services() []serviceStatus {
	list := []serviceStatus{}
	g := h.current.Acquire()
	if g == nil {
		return list
	}
	defer g.Release()
	for _, s := range g.Services() {
		status := serviceStatus{Name: s.Config.Name, Local: s.Config.Local(), Plugins: s.Config.Plugins}
		if s.Remote != nil {
			remote := s.Remote.Status()
			status.Remote = &remote
		}
		list = append(list, status)
	}
	return list
}

// writeTargets writes how the targets of services on other hosts are, and what was
// counted of them.
func (h *Host) writeTargets(t *metrics.Text) {
	services := h.services()
	type status = upstream.TargetStatus
	for _, f := range []struct {
		name, help string
		of         func(*status) float64
	}{
		{"wasmlane_target_outstanding", "Calls that wait for an answer of the target.", func(s *status) float64 { return float64(s.Outstanding) }},
		{"wasmlane_target_ejected", "1 while the target is left out, by its failures or by its check.", func(s *status) float64 { return truth(s.Out()) }},
	} {
		t.Family(f.name, metrics.KindGauge, f.help)
		for _, service := range services {
			if service.Remote == nil {
				continue
			}
			for i := range service.Remote.Targets {
				s := &service.Remote.Targets[i]
				t.Float(f.name, metrics.Labels("service", service.Name, "target", s.Target), f.of(s))
			}
		}
	}
	const calls = "wasmlane_target_calls_total"
	t.Family(calls, metrics.KindCounter, "Calls sent to a target, retries included, by class of the response's status or by why there was none.")
	h.counters.upstreams.Each(func(n targetName, c *upstream.Counts) {
		for i := range c.Results {
			t.Uint(calls, metrics.Labels("service", n.service, "target", n.target, "result", upstream.ResultNames[i]), c.Results[i].Load())
		}
	})
	for _, f := range []struct {
		name, help string
		of         func(*upstream.Counts) uint64
	}{
		{"wasmlane_target_retries_total", "Calls sent to a target after another one had failed.", func(c *upstream.Counts) uint64 { return c.Retries.Load() }},
		{"wasmlane_target_ejections_total", "How often the target was left out.", func(c *upstream.Counts) uint64 { return c.Ejections.Load() }},
	} {
		t.Family(f.name, metrics.KindCounter, f.help)
		h.counters.upstreams.Each(func(n targetName, c *upstream.Counts) {
			t.Uint(f.name, metrics.Labels("service", n.service, "target", n.target), f.of(c))
		})
	}
}
