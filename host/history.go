package host

import (
	"sync"
	"time"
)

// keepReloads is how many reloads are remembered.
const keepReloads = 20

// reloadStatus is one reload, for the operator.
type reloadStatus struct {
	Time       time.Time `json:"time"`
	OK         bool      `json:"ok"`
	Generation int64     `json:"generation"` // in force afterwards
	Seconds    float64   `json:"seconds"`    // what it took
	Changed    []string  `json:"changed,omitempty"`
	Errors     []string  `json:"errors,omitempty"`
}

// history remembers reloads. The zero value is empty.
type history struct {
	mu        sync.Mutex
	succeeded uint64
	failed    uint64
	last      time.Time // when a configuration was last taken up
	lastOK    bool
	list      []reloadStatus // the latest last
}

// opened notes that the host began with a whole configuration.
func (h *history) opened() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.lastOK = time.Now(), true
}

func (h *history) add(r reloadStatus) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastOK = r.OK
	if r.OK {
		h.succeeded++
		h.last = r.Time
	} else {
		h.failed++
	}
	if len(h.list) == keepReloads {
		copy(h.list, h.list[1:])
		h.list = h.list[:keepReloads-1]
	}
	h.list = append(h.list, r)
}

// reloads returns the last reloads, the latest first.
func (h *history) reloads() []reloadStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]reloadStatus, 0, len(h.list))
	for i := len(h.list) - 1; i >= 0; i-- {
		list = append(list, h.list[i])
	}
	return list
}
