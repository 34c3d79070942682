package upstream

import (
	"time"
)

// Status is how a service on other hosts is now.
type Status struct {
	Targets []TargetStatus `json:"targets"`
	Lookup  *LookupStatus  `json:"lookup,omitempty"` // of SRV records
}

// TargetStatus is how a target is now.
type TargetStatus struct {
	Target      string     `json:"target"`
	State       string     `json:"state"`            // "healthy", "ejected", "trying" (ejected, and a call finds out) or "unhealthy" (by its check)
	Reason      string     `json:"reason,omitempty"` // why it is not healthy
	Until       *time.Time `json:"until,omitempty"`  // when a call tries an ejected one again
	Outstanding int64      `json:"outstanding"`
	Failures    int        `json:"failures"` // in a row, while it is healthy
	Priority    uint16     `json:"priority"`
	Weight      uint16     `json:"weight"`
}

// Out reports whether the target is left out now.
func (t *TargetStatus) Out() bool { return t.State != "healthy" }

// LookupStatus is how the lookup of SRV records stands.
type LookupStatus struct {
	SRV        string     `json:"srv"`
	DNS        string     `json:"dns,omitempty"`  // the server that is asked; none: the system's
	Last       *time.Time `json:"last,omitempty"` // that succeeded
	TTLSeconds float64    `json:"ttl_seconds,omitempty"`
	Next       *time.Time `json:"next,omitempty"`
	Error      string     `json:"error,omitempty"` // of the last one
	Ignored    string     `json:"ignored,omitempty"`
}

// Status returns how the service is now.
func (v *Service) Status() Status {
	s := Status{Targets: []TargetStatus{}}
	if l := v.list.Load(); l != nil {
		for i := range l.entries {
			s.Targets = append(s.Targets, l.entries[i].status())
		}
	}
	if v.SRV == "" {
		return s
	}
	v.set.mu.Lock()
	defer v.set.mu.Unlock()
	k := &v.lookup
	s.Lookup = &LookupStatus{SRV: v.SRV, DNS: v.DNS, Last: instant(k.at), Next: instant(k.next), Ignored: k.ignored}
	if k.ttl > 0 {
		s.Lookup.TTLSeconds = k.ttl.Seconds()
	}
	if k.err != nil {
		s.Lookup.Error = k.err.Error()
	}
	return s
}

func (e *entry) status() TargetStatus {
	s := TargetStatus{
		Target: e.name, State: "healthy", Outstanding: e.outstanding.Load(),
		Failures: int(e.failures.Load()), Priority: e.priority, Weight: e.weight,
	}
	e.mu.Lock()
	if e.ejected {
		s.State, s.Reason, s.Until = "ejected", e.reason, instant(e.until)
		if e.trying {
			s.State = "trying"
		}
	}
	e.mu.Unlock()
	if e.health.sick.Load() {
		e.health.mu.Lock()
		s.State, s.Reason = "unhealthy", e.health.reason
		e.health.mu.Unlock()
	}
	return s
}

// instant returns nil for no time.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
