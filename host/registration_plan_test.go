package host

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/config"
)

// TestRegistrationPlan: what is registered, and how it is checked, for each way that
// a host can listen.
func TestRegistrationPlan(t *testing.T) {
	ready := "route = [{path = \"/is/ready\", method = \"GET\", handler = \"@ready\"}]\n"
	for name, c := range map[string]struct {
		server, admin string
		tls           bool
		toml          string
		far           bool // the agent is on another machine
		want, check   string
	}{
		"wildcard": {server: "0.0.0.0:80", toml: ready, want: ":8001", check: "http://127.0.0.1:8001/is/ready"},
		"ipv6":     {server: "[::]:80", toml: ready, want: ":8001", check: "http://127.0.0.1:8001/is/ready"},
		"all":      {server: ":80", toml: ready, want: ":8001", check: "http://127.0.0.1:8001/is/ready"},
		"one":      {server: "10.0.0.5:80", toml: ready, want: "10.0.0.5:8001", check: "http://10.0.0.5:8001/is/ready"},
		"one ipv6": {server: "[2001:db8::5]:80", toml: ready, want: "2001:db8::5:8001", check: "http://[2001:db8::5]:8001/is/ready"},
		"loopback": {server: "127.0.0.1:80", toml: ready, want: "127.0.0.1:8001", check: "http://127.0.0.1:8001/is/ready"},
		"tls":      {server: "0.0.0.0:80", tls: true, toml: ready, want: ":8001", check: "https://127.0.0.1:8001/is/ready"},
		"address":  {server: "0.0.0.0:80", toml: ready + `discovery.address = "lb.example"`, want: "lb.example:8001", check: "http://127.0.0.1:8001/is/ready"},
		"mapped":   {server: "0.0.0.0:80", toml: ready + `discovery.address = "192.0.2.9:80"`, want: "192.0.2.9:80", check: "http://127.0.0.1:8001/is/ready"},
		"brackets": {server: "0.0.0.0:80", toml: ready + `discovery.address = "[2001:db8::5]"`, want: "2001:db8::5:8001", check: "http://127.0.0.1:8001/is/ready"},
		"admin":    {server: "0.0.0.0:80", admin: "127.0.0.1:90", tls: true, want: ":8001", check: "http://127.0.0.1:9001/readyz"},
		"open":     {server: "0.0.0.0:80", admin: "10.0.0.5:90", want: ":8001", check: "http://10.0.0.5:9001/readyz"},

		"far, wildcard": {far: true, server: "0.0.0.0:80", toml: ready, want: "127.0.0.1:8001", check: "http://127.0.0.1:8001/is/ready"},
		"far, one":      {far: true, server: "10.0.0.5:80", toml: ready, want: "10.0.0.5:8001", check: "http://10.0.0.5:8001/is/ready"},
		"far, mapped":   {far: true, server: "0.0.0.0:80", toml: ready + `discovery.address = "192.0.2.9:80"`, want: "192.0.2.9:80", check: "http://192.0.2.9:80/is/ready"},
		"far, behind":   {far: true, server: "127.0.0.1:80", toml: ready + `discovery.address = "192.0.2.9:80"`, want: "192.0.2.9:80", check: "http://192.0.2.9:80/is/ready"},
		"far, admin":    {far: true, server: "10.0.0.5:80", admin: "0.0.0.0:90", want: "10.0.0.5:8001", check: "http://10.0.0.5:9001/readyz"},
		"far, no check": {far: true, server: "10.0.0.5:80", admin: "127.0.0.1:90", want: "error"},
		"no check":      {server: "10.0.0.5:80", want: "error"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "service.user.targets = [\"local\"]\ndiscovery.id = \"x\"\n" + c.toml
			cfg, errs := config.Parse("host.toml", []byte(text))
			if errs != nil {
				t.Fatal(errs)
			}
			cfg.Discovery.Consul = "http://127.0.0.1:8500"
			if c.far {
				cfg.Discovery.Consul = "http://192.0.2.1:8500"
			}
			l := listeners{server: c.server, admin: c.admin, port: 8001, adminPort: 9001, tls: c.tls}
			if name == "far, wildcard" {
				// Whatever the route there is, its address is one of this machine.
				address, err := localAddress(context.Background(), cfg.Discovery.Consul)
				if err != nil {
					t.Skipf("this machine has no route to other machines: %v", err)
				}
				c.want, c.check = address+":8001", "http://"+net.JoinHostPort(address, "8001")+"/is/ready"
			}
			all, err := l.services(context.Background(), cfg)
			got := "error"
			if err == nil && len(all) == 1 {
				got = fmt.Sprintf("%s:%d", all[0].Address, all[0].Port)
				if all[0].Check.URL != c.check || all[0].ID != "user-x" || all[0].Name != "user" {
					t.Errorf("got %+v, want the check %s", all[0], c.check)
				}
			}
			if got != c.want {
				t.Errorf("got %s (%v), want %s", got, err, c.want)
			}
		})
	}
	if address, err := localAddress(context.Background(), "http://127.0.0.1:8500"); err != nil || !isLoopback(address) {
		t.Errorf("from here to here the address is %s, %v", address, err)
	}
}
