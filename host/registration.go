package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/call"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/discovery"
	"github.com/wasmlane/wasmlane/host/internal/metrics"
)

const (
	// farewell is how long the end of a host waits for the registry.
	farewell = 2 * time.Second
	// maxRegistryAnswer bounds an answer of the registry, in bytes.
	maxRegistryAnswer = 64 << 10
)

// registration is how a host that listens is made known to others.
type registration struct {
	*discovery.Registrar
	client *call.Client
	at     listeners

	mu sync.Mutex // orders announcements
}

// listeners is where a host really listens.
type listeners struct {
	server, admin string // as in host.toml at the start; "" is no admin listener
	port          int    // that the system gave, where host.toml says 0
	adminPort     int
	tls           bool
}

// startRegistration begins to make the host known, if host.toml says where.
func (h *Host) startRegistration(addr, admin net.Addr) {
	r := &registration{
		client: call.New(call.Options{MaxResponse: maxRegistryAnswer}),
		at:     listeners{server: h.first.Server.Listen, port: portOf(addr), tls: h.first.Server.TLSCert != ""},
	}
	if admin != nil {
		r.at.admin, r.at.adminPort = h.first.Admin.Listen, portOf(admin)
	}
	r.Registrar = discovery.New(discovery.Options{Client: registryClient{r.client}, Log: h.log})
	h.registration.Store(r)
	h.announce()
}

// announce tells the registry of the configuration in force. It does not wait.
func (h *Host) announce() {
	r := h.registration.Load()
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if cfg := h.config(); cfg != nil {
		r.Set(r.at.plan(cfg))
	}
}

// withdraw has the registry forget the host, and waits for that, but not long.
func (h *Host) withdraw() {
	r := h.registration.Load()
	if r == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	r.Close(ctx)
	r.client.Close()
}

// endRegistration is withdraw, for good.
func (h *Host) endRegistration() {
	h.withdraw()
	h.registration.Store(nil)
}

// writeRegistration writes what Consul is known to have of the host's services.
func (h *Host) writeRegistration(t *metrics.Text) {
	var s discovery.Status
	if r := h.registration.Load(); r != nil {
		s = r.Status()
	}
	const registered = "wasmlane_service_registered"
	t.Family(registered, metrics.KindGauge, "1 while Consul has the service, as far as is known.")
	for _, name := range slices.Sorted(maps.Keys(s.Registered)) {
		t.Float(registered, metrics.Labels("service", name), truth(s.Registered[name]))
	}
	counter(t, "wasmlane_registration_failures_total", "Attempts to bring Consul up to date that failed.", s.Failures)
}

func portOf(addr net.Addr) int {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}

// plan returns what a configuration wants to have registered.
func (l listeners) plan(cfg *config.Config) discovery.Plan {
	d := &cfg.Discovery
	if d.Consul == "" {
		return discovery.Plan{}
	}
	return discovery.Plan{
		Agent:    discovery.Agent{Origin: d.Consul, Token: d.Token},
		Every:    d.CheckInterval,
		Services: func(ctx context.Context) ([]discovery.Service, error) { return l.services(ctx, cfg) },
	}
}

// services returns the registration of each service that this host serves itself.
func (l listeners) services(ctx context.Context, cfg *config.Config) ([]discovery.Service, error) {
	d := &cfg.Discovery
	address, port, err := l.advertised(ctx, d)
	if err != nil {
		return nil, err
	}
	check, err := l.check(cfg, address, port)
	if err != nil {
		return nil, err
	}
	id := d.ID
	if id == "" {
		name, _ := os.Hostname()
		id = fmt.Sprintf("%s-%d", name, l.port)
	}
	var all []discovery.Service
	for _, name := range cfg.LocalServices() {
		all = append(all, discovery.Service{
			ID: name + "-" + id, Name: name, Address: address, Port: port, Tags: d.Tags,
			Check: discovery.Check{URL: check, Interval: d.CheckInterval},
		})
	}
	return all, nil
}

// advertised returns the address that others reach this host at. It is "" where
// that is the agent's own.
func (l listeners) advertised(ctx context.Context, d *config.Discovery) (string, int, error) {
	if host, port, err := net.SplitHostPort(d.Address); err == nil {
		n, err := strconv.Atoi(port)
		return host, n, err
	}
	host := hostOf(l.server)
	switch {
	case d.Address != "":
		return strings.Trim(d.Address, "[]"), l.port, nil
	case !everyAddress(host):
		return host, l.port, nil
	case d.Near():
		return "", l.port, nil
	}
	address, err := localAddress(ctx, d.Consul)
	return address, l.port, err
}

// check returns the URL by which the agent finds out whether the host is ready: a
// route to @ready, which is what clients reach, or else the admin listener's.
func (l listeners) check(cfg *config.Config, address string, port int) (string, error) {
	near := cfg.Discovery.Near()
	// The shortest way from the agent to a listener: not by an address that only
	// others have for it.
	reach := func(listen string) (host string, ok bool) {
		host = hostOf(listen)
		switch {
		case everyAddress(host) && near:
			return "127.0.0.1", true
		case everyAddress(host):
			return address, false
		}
		return host, near || !isLoopback(host)
	}
	scheme := "http"
	if path := cfg.ReadyPath(); path != "" {
		if l.tls {
			scheme = "https"
		}
		host, direct := reach(l.server)
		if direct {
			port = l.port
		} else {
			host = address
		}
		return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(host, strconv.Itoa(port)), Path: path}).String(), nil
	}
	if host, _ := reach(l.admin); l.admin != "" && (near || !isLoopback(host)) {
		return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(host, strconv.Itoa(l.adminPort)), Path: "/readyz"}).String(), nil
	}
	return "", errNoCheck
}

var errNoCheck = errors.New(`there is nothing that Consul could check the health by; add a route with handler = "@ready"`)

func hostOf(listen string) string {
	host, _, _ := net.SplitHostPort(listen)
	return host
}

func everyAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// localAddress returns the address of this machine from which it reaches an origin.
// Nothing is sent there, but its name may have to be looked up.
func localAddress(ctx context.Context, origin string) (string, error) {
	u, err := url.Parse(origin)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", net.JoinHostPort(u.Hostname(), "8500"))
	if err != nil {
		return "", fmt.Errorf("no way to %s, and so no address of this host: %w; write address", origin, err)
	}
	defer func() { _ = conn.Close() }()
	at, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return at.Addr().WithZone("").String(), err
}

// registryClient sends what the registrar asks for.
type registryClient struct{ *call.Client }

// Do implements [discovery.Client].
func (c registryClient) Do(ctx context.Context, origin string, r discovery.Request) (int, []byte, error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(r.Method)
	req.SetRequestURI(r.Target)
	if r.Token != "" {
		req.Header.Set("X-Consul-Token", r.Token)
	}
	if r.Body != nil {
		req.Header.SetContentType("application/json")
		req.SetBody(r.Body)
	}
	// The origin is the operator's own, and mostly this machine's.
	if err := c.Client.Do(ctx, origin, true, req, resp); err != nil {
		return 0, nil, err
	}
	return resp.StatusCode(), bytes.Clone(resp.Body()), nil
}
