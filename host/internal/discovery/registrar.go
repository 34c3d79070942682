package discovery

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what is tried again.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
	// farewells is how often a service that should be gone is deregistered in vain
	// before it is left to the agent's own check of it.
	farewells = 20
)

// Options are what a registrar needs.
type Options struct {
	Client Client
	Log    *slog.Logger
}

// Plan is what should be registered, and where.
type Plan struct {
	Agent Agent
	// Services returns what the agent should know. It is asked before each look at
	// the agent, and may take as long as ctx lasts.
	Services func(ctx context.Context) ([]Service, error)
	Every    time.Duration // how often the agent is asked whether it still knows them
}

// Registrar keeps an agent informed. Its methods are safe for concurrent use.
type Registrar struct {
	options Options

	mu         sync.Mutex
	plan       Plan
	closed     bool
	registered map[string]bool // see Status
	failures   uint64

	wake   chan struct{} // the plan is another, or Close; never blocks
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended

	held   map[place]*holding // of the goroutine, and of Close after it
	failed bool               // so was the last pass, and the log has it
}

// place is one service at one agent.
type place struct{ origin, id string }

// holding is what an agent has, or may have, been told.
type holding struct {
	agent   Agent
	service Service
	told    bool // it took it
	vain    int  // attempts to deregister it
}

// New returns a registrar at work, with nothing to register. Close it.
func New(o Options) *Registrar {
	r := &Registrar{options: o, wake: make(chan struct{}, 1), done: make(chan struct{}), held: map[place]*holding{}}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go r.run(ctx)
	return r
}

// Set has a plan carried out in place of the one before. What it leaves out is
// deregistered. It does not wait.
func (r *Registrar) Set(p Plan) {
	r.mu.Lock()
	if !r.closed {
		r.plan = p
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Status is what is known of the registrations.
type Status struct {
	// Registered has each service of the plan, by its name: whether the agent, when it
	// was asked last, took it or had it. There are none before the first attempt, and
	// none from Close on.
	Registered map[string]bool
	// Failures counts the attempts to bring the agent to what the plan says that
	// failed, wholly or for one service.
	Failures uint64
}

// Status returns what is known now.
func (r *Registrar) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Status{maps.Clone(r.registered), r.failures}
}

// expect has Status know these services and no others. What is not known to be
// registered is not.
func (r *Registrar) expect(services []Service) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.registered
	r.registered = make(map[string]bool, len(services))
	for _, s := range services {
		r.registered[s.Name] = before[s.Name]
	}
}

// found has Status know how a service is.
func (r *Registrar) found(s Service, registered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.registered[s.Name] = registered
}

// Close deregisters everything, as far as it can until ctx ends. What is left is
// the agent's to find out. Later calls, of Set too, do nothing.
func (r *Registrar) Close(ctx context.Context) {
	r.mu.Lock()
	again := r.closed
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	<-r.done
	if again {
		return
	}
	r.expect(nil)
	var all sync.WaitGroup
	for at, h := range r.held {
		all.Go(func() {
			if err := h.agent.deregister(ctx, r.options.Client, at.id); err != nil {
				r.options.Log.Warn("not deregistered; Consul finds out by its check", slog.String("service", h.service.Name), slog.Any("error", err))
				return
			}
			r.options.Log.Info("deregistered", slog.String("service", h.service.Name), slog.String("id", at.id))
		})
	}
	all.Wait()
}

func (r *Registrar) run(ctx context.Context) {
	defer close(r.done)
	retry := firstRetry
	for {
		r.mu.Lock()
		plan := r.plan
		r.mu.Unlock()
		wait := max(plan.Every, time.Second)
		if err := r.pass(ctx, plan); err != nil {
			wait, retry = retry, min(2*retry, lastRetry)
			r.fail(ctx, plan, err)
		} else {
			retry = firstRetry
			if r.failed {
				r.options.Log.Info("registration works again")
			}
			r.failed = false
		}
		if plan.Agent.Origin == "" && len(r.held) == 0 {
			wait = time.Hour // nothing to look after
		}
		// Hosts that have lost the same agent do not come back at the same moment.
		timer := time.NewTimer(wait - time.Duration(rand.Int64N(int64(wait/4))))
		select {
		case <-ctx.Done():
		case <-r.wake:
			retry = firstRetry
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// fail counts a pass that failed, and says once that the agent is in trouble, until
// it is not.
func (r *Registrar) fail(ctx context.Context, plan Plan, err error) {
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	r.failures++
	r.mu.Unlock()
	if r.failed {
		return
	}
	r.failed = true
	r.options.Log.Warn("registration failed; it is tried again", slog.String("consul", plan.Agent.Origin), slog.Any("error", err))
}

// pass brings every agent to what the plan says, as far as it goes. The error is
// the first one.
func (r *Registrar) pass(ctx context.Context, plan Plan) error {
	var first error
	note := func(s Service, err error) {
		if first == nil && err != nil {
			first = fmt.Errorf("service %s: %w", s.Name, err)
		}
	}
	wanted := map[place]bool{}
	var services []Service
	if plan.Agent.Origin != "" {
		var err error
		if services, err = plan.Services(ctx); err != nil {
			return err
		}
	}
	r.expect(services)
	for _, s := range services {
		wanted[place{plan.Agent.Origin, s.ID}] = true
		err := r.keep(ctx, plan.Agent, s)
		r.found(s, err == nil)
		note(s, err)
	}
	for _, at := range slices.SortedFunc(maps.Keys(r.held), func(a, b place) int {
		return strings.Compare(a.origin+" "+a.id, b.origin+" "+b.id)
	}) {
		if !wanted[at] {
			service := r.held[at].service // leave may forget it
			note(service, r.leave(ctx, at))
		}
	}
	return first
}

// keep sees to it that the agent knows a service as it is.
func (r *Registrar) keep(ctx context.Context, agent Agent, s Service) error {
	at := place{agent.Origin, s.ID}
	h := r.held[at]
	lost := false
	if h != nil && h.told && h.agent == agent && reflect.DeepEqual(h.service, s) {
		known, err := agent.knows(ctx, r.options.Client, s.ID)
		if known || err != nil {
			return err
		}
		lost = true
	}
	// Before it is told: an answer may be lost although the agent has taken it.
	h = &holding{agent: agent, service: s}
	r.held[at] = h
	if err := agent.register(ctx, r.options.Client, s); err != nil {
		return err
	}
	h.told = true
	r.options.Log.Info("registered", slog.String("service", s.Name), slog.String("id", s.ID),
		slog.String("check", s.Check.URL), slog.Bool("again", lost))
	return nil
}

// leave sees to it that an agent no longer knows a service.
func (r *Registrar) leave(ctx context.Context, at place) error {
	h := r.held[at]
	err := h.agent.deregister(ctx, r.options.Client, at.id)
	if err == nil {
		delete(r.held, at)
		r.options.Log.Info("deregistered", slog.String("service", h.service.Name), slog.String("id", at.id))
		return nil
	}
	if h.vain++; h.vain >= farewells {
		delete(r.held, at)
		// A line of its own: that there is trouble has been said, and its end comes next.
		r.options.Log.Warn("not deregistered, given up; deregister it by hand", slog.String("consul", at.origin),
			slog.String("service", h.service.Name), slog.String("id", at.id), slog.Any("error", err))
	}
	return err
}
