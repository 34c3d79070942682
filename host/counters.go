package host

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/kv"
	"github.com/wasmlane/wasmlane/host/internal/metrics"
	"github.com/wasmlane/wasmlane/host/internal/upstream"
)

// counters are what a host counts with, over all its generations.
type counters struct {
	unrouted  *metrics.Route // requests that no route took
	routes    *metrics.Kept[metrics.RouteName, *metrics.Route]
	plugins   *metrics.Kept[string, *generation.Record]
	targets   *metrics.Kept[string, callCounter]
	upstreams *metrics.Kept[targetName, *upstream.Counts]
	keyspaces *metrics.Kept[string, *keyspaceCounter]
}

func newCounters() *counters {
	return &counters{
		unrouted:  metrics.NewRoute(metrics.RouteName{}),
		routes:    metrics.NewKept(metrics.NewRoute, metrics.CompareRoutes),
		plugins:   metrics.NewKept(func(string) *generation.Record { return new(generation.Record) }, strings.Compare),
		targets:   metrics.NewKept(newCallCounter, strings.Compare),
		upstreams: metrics.NewKept(func(targetName) *upstream.Counts { return new(upstream.Counts) }, compareTargets),
		keyspaces: metrics.NewKept(newKeyspaceCounter, strings.Compare),
	}
}

// holder is what one generation holds of the counters. It implements
// generation.Counters.
type holder struct {
	*counters

	mu    sync.Mutex // plugins load side by side
	leave []func()
}

// forGeneration returns the counters for a generation.
func (c *counters) forGeneration() generation.Counters { return &holder{counters: c} }

func (h *holder) later(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leave = append(h.leave, f)
}

func (h *holder) Route(r *config.Route) exchange.RequestCounter {
	name := nameOf(r)
	h.later(func() { h.routes.Leave(name) })
	counter := h.routes.Take(name)
	for _, method := range r.Methods {
		counter.Expect(method)
	}
	return counter
}

// nameOf returns the name under which a route is counted.
func nameOf(r *config.Route) metrics.RouteName {
	name := metrics.RouteName{Plugin: r.Plugin, Handler: r.Export, Route: r.Path}
	if r.Builtin != "" {
		name.Handler = "@" + r.Builtin
	}
	return name
}

func (h *holder) Target(name string) generation.CallCounter {
	h.later(func() { h.targets.Leave(name) })
	return h.targets.Take(name)
}

func (h *holder) Plugin(name string) *generation.Record {
	h.later(func() { h.plugins.Leave(name) })
	return h.plugins.Take(name)
}

func (h *holder) Keyspace(name string, k kv.Keyspace) kv.Keyspace {
	h.later(func() { h.keyspaces.Leave(name) })
	return countedKeyspace{k, h.keyspaces.Take(name)}
}

func (h *holder) Leave() {
	for _, leave := range h.leave {
		leave()
	}
	h.routes.Prune()
	h.plugins.Prune()
	h.targets.Prune()
	h.keyspaces.Prune()
}

// targetName names one target of a service on other hosts.
type targetName struct{ service, target string }

func compareTargets(a, b targetName) int {
	return cmp.Or(strings.Compare(a.service, b.service), strings.Compare(a.target, b.target))
}

// target returns the counters of a target, and what gives them back.
func (c *counters) target(service, target string) (*upstream.Counts, func()) {
	name := targetName{service, target}
	return c.upstreams.Take(name), func() {
		c.upstreams.Leave(name)
		c.upstreams.Prune()
	}
}

// callCounter counts calls to one target by the class of the response's status,
// or by why there was none.
type callCounter struct{ *metrics.Operation }

// callResults are the values of the label "result".
var callResults = [...]string{"2xx", "3xx", "4xx", "5xx", "timeout", "unavailable", "too_large", "canceled", "denied", "invalid"}

func newCallCounter(target string) callCounter {
	return callCounter{metrics.NewOperation(metrics.Labels("target", target), callResults[:]...)}
}

// Call implements generation.CallCounter.
func (c callCounter) Call(status int, code abi.Code, took time.Duration) {
	result := min(max(status/100-2, 0), 3)
	switch code {
	case 0:
	case abi.Timeout:
		result = 4
	case abi.TooLarge:
		result = 6
	case abi.Closed:
		result = 7
	case abi.Denied:
		result = 8
	case abi.Invalid:
		result = 9
	default:
		result = 5
	}
	c.Count(result, took)
}

// keyspaceCounter counts the operations on one keyspace.
type keyspaceCounter struct{ get, set, del, add, swap, list *metrics.Operation }

// all returns the operations, in the order they are written.
func (k *keyspaceCounter) all() []*metrics.Operation {
	return []*metrics.Operation{k.add, k.del, k.get, k.list, k.set, k.swap}
}

// storeResults are the values of the label "result".
var storeResults = [...]string{"ok", "absent", "invalid", "timeout", "canceled", "unavailable"}

func newKeyspaceCounter(keyspace string) *keyspaceCounter {
	of := func(operation string) *metrics.Operation {
		return metrics.NewOperation(metrics.Labels("keyspace", keyspace, "operation", operation), storeResults[:]...)
	}
	return &keyspaceCounter{of("get"), of("set"), of("delete"), of("add"), of("swap"), of("list")}
}

func storeResult(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, kv.ErrAbsent):
		return 1
	case errors.Is(err, kv.ErrInvalid), errors.Is(err, kv.ErrTooLarge):
		return 2
	case errors.Is(err, context.DeadlineExceeded):
		return 3
	case errors.Is(err, context.Canceled):
		return 4
	}
	return 5
}
