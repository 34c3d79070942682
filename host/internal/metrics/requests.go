package metrics

import (
	"cmp"
	"strings"
	"sync/atomic"
	"time"
)

// RouteName is what tells the series of one route from those of another. It is
// empty for requests that no route took.
type RouteName struct {
	Plugin  string // "" for a handler of the host's own
	Handler string // "get_user", "@health"
	Route   string // the pattern
}

// CompareRoutes orders by plugin, handler and pattern.
func CompareRoutes(a, b RouteName) int {
	return cmp.Or(strings.Compare(a.Plugin, b.Plugin), strings.Compare(a.Handler, b.Handler), strings.Compare(a.Route, b.Route))
}

// Route counts the requests of one route by method and class of status, and how
// long they took. It is safe for concurrent use.
type Route struct {
	name    RouteName
	methods [len(methods)]atomic.Pointer[requests]
}

// methods are the values of the label "method". Whatever a client may make up is
// the last.
var methods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}

const otherMethod = len(methods) - 1

// classes are the values of the label "code". The first is for what is none, which
// no answer has.
var classes = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}

// firstClass is the first class that is written although nothing was counted in
// it, so that a first error shows as an increase.
const firstClass = 2

// requests are the series of one method.
type requests struct {
	labels   string
	codes    [len(classes)]string // labels, with the class
	counts   [len(classes)]atomic.Uint64
	duration Histogram
}

// NewRoute returns the counters of a route.
func NewRoute(name RouteName) *Route { return &Route{name: name} }

// Name returns what NewRoute was given.
func (r *Route) Name() RouteName { return r.name }

// Expect has the series of a method written before its first request.
func (r *Route) Expect(method string) { r.of(methodOf([]byte(method))) }

// Count counts a request that has been answered.
func (r *Route) Count(method []byte, status int, took time.Duration) {
	s := r.of(methodOf(method))
	s.counts[classOf(status)].Add(1)
	s.duration.Observe(took)
}

// Refused counts an answer to what could not be read as a request. Nobody knows
// when it began.
func (r *Route) Refused(status int) { r.of(otherMethod).counts[classOf(status)].Add(1) }

// of returns the series of a method, made when it is first asked for.
func (r *Route) of(method int) *requests {
	if s := r.methods[method].Load(); s != nil {
		return s
	}
	s := &requests{labels: Labels("plugin", r.name.Plugin, "handler", r.name.Handler, "route", r.name.Route, "method", methods[method])}
	for i, class := range classes {
		s.codes[i] = s.labels + "," + Labels("code", class)
	}
	if !r.methods[method].CompareAndSwap(nil, s) {
		return r.methods[method].Load()
	}
	return s
}

func classOf(status int) int {
	if class := status / 100; class >= 1 && class < len(classes) {
		return class
	}
	return 0
}

func methodOf(method []byte) int {
	switch string(method) {
	case "GET":
		return 0
	case "HEAD":
		return 1
	case "POST":
		return 2
	case "PUT":
		return 3
	case "PATCH":
		return 4
	case "DELETE":
		return 5
	case "OPTIONS":
		return 6
	}
	return otherMethod
}

// WriteCounts writes how many requests there were.
func (r *Route) WriteCounts(t *Text, family string) {
	for i := range r.methods {
		s := r.methods[i].Load()
		if s == nil {
			continue
		}
		for class := range s.counts {
			if n := s.counts[class].Load(); n > 0 || class >= firstClass {
				t.Uint(family, s.codes[class], n)
			}
		}
	}
}

// WriteDurations writes how long they took.
func (r *Route) WriteDurations(t *Text, family string) {
	for i := range r.methods {
		if s := r.methods[i].Load(); s != nil {
			t.Histogram(family, s.labels, &s.duration)
		}
	}
}
