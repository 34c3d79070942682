package generation

import (
	"sync"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/kv"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
)

// Counters are what a generation counts with. They outlive it: the next one gets
// the same for the same names. A generation asks for them while it is built, so
// that a request finds them at hand, and calls Leave once, when it is retired.
type Counters interface {
	// Route returns the counter of a route.
	Route(r *config.Route) exchange.RequestCounter
	// Target returns the counter of calls to a service or an origin, by the name
	// that host.toml has for it; "" for what is none that the caller may reach.
	Target(name string) CallCounter
	// Plugin returns what is remembered of a plugin.
	Plugin(name string) *Record
	// Keyspace returns k so that its operations are counted.
	Keyspace(name string, k kv.Keyspace) kv.Keyspace
	Leave()
}

// CallCounter counts calls to one target.
type CallCounter interface {
	// Call counts one that has ended: with a response of that status, or without
	// one when code is not 0.
	Call(status int, code abi.Code, took time.Duration)
}

// Record is what is remembered of a plugin across generations.
type Record struct {
	Pool sandbox.Counters

	mu       sync.Mutex
	failures [keepFailures]Failure // a ring
	count    int                   // of all failures; the last one is at count-1
}

// keepFailures is how many failures of a plugin are remembered.
const keepFailures = 16

// Failure is a call of a guest that did not return. The stack is for the operator
// alone.
type Failure struct {
	Time      time.Time `json:"time"`
	Handler   string    `json:"handler"`
	RequestID string    `json:"request_id,omitempty"` // none while the plugin initialises
	Kind      string    `json:"kind"`                 // "trapped", "deadline"
	Reason    string    `json:"reason"`
	Stack     string    `json:"wasm_stack,omitempty"`
}

func (r *Record) failed(f Failure) {
	f.Time = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures[r.count%keepFailures] = f
	r.count++
}

// Failed returns how many failures there were.
func (r *Record) Failed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// Failures returns the last failures, the latest first.
func (r *Record) Failures() []Failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []Failure{}
	for i := r.count - 1; i >= 0 && i >= r.count-keepFailures; i-- {
		list = append(list, r.failures[i%keepFailures])
	}
	return list
}

// uncounted is for a Builder without counters.
type uncounted struct{}

func (uncounted) Route(*config.Route) exchange.RequestCounter  { return nil }
func (uncounted) Target(string) CallCounter                    { return uncounted{} }
func (uncounted) Plugin(string) *Record                        { return new(Record) }
func (uncounted) Keyspace(_ string, k kv.Keyspace) kv.Keyspace { return k }
func (uncounted) Call(int, abi.Code, time.Duration)            {}
func (uncounted) Leave()                                       {}
