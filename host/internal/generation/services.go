package generation

import (
	"log/slog"
	"maps"
	"slices"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/upstream"
)

// service is one [service.NAME] at work.
type service struct {
	config *config.Service
	reach  []string          // the plugins whose routes "local" reaches
	remote *upstream.Service // nil: this host serves it itself
}

func (g *Generation) resolveServices() {
	for name, c := range g.Config.Services {
		s := &service{config: c, reach: c.Plugins}
		switch {
		case !c.Local():
			s.remote = g.builder.Upstreams.Take(upstream.Settings{
				Name: name, Targets: c.Targets, SRV: c.SRV, DNS: g.Config.Discovery.DNS,
				Retries: c.Retries, MaxOutstanding: c.MaxOutstanding, TryTimeout: c.TryTimeout,
				Check: c.Check, CheckInterval: c.CheckInterval,
			})
		case len(s.reach) == 0:
			s.reach = []string{name}
		}
		g.services[name] = s
	}
}

// start has the services look for their targets and check them, from when the
// generation serves on.
func (g *Generation) start() {
	for _, s := range g.services {
		if s.remote != nil {
			s.remote.Start()
		}
	}
}

func (g *Generation) leaveServices() {
	for _, s := range g.services {
		if s.remote != nil {
			s.remote.Leave()
		}
	}
}

// Service describes a service of a generation.
type Service struct {
	Config *config.Service
	Remote *upstream.Service // nil: this host serves it itself
}

// Services returns the generation's services, sorted by name.
func (g *Generation) Services() []Service {
	all := make([]Service, 0, len(g.services))
	for _, name := range slices.Sorted(maps.Keys(g.services)) {
		all = append(all, Service{g.services[name].config, g.services[name].remote})
	}
	return all
}

// callService sends a call to one of the hosts that serve a service.
func (g *Generation) callService(x *exchange.Exchange, s *service, r *exchange.CallRequest, resp *fasthttp.Response) abi.Code {
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	r.CopyTo(req)
	ctx, stop := x.Watched()
	defer stop()
	target, err := s.remote.Do(ctx, req, resp)
	if err == nil {
		return 0
	}
	g.log(x, slog.LevelWarn, "call failed", slog.String("service", s.config.Name), slog.String("target", target), slog.Any("error", err))
	return codeOf(err)
}
