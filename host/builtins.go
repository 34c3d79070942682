package host

import (
	"encoding/json"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// builtins returns the host's own handlers, "@health" and its like, by name
// without the "@".
func (h *Host) builtins() map[string]generation.Builtin {
	return map[string]generation.Builtin{
		"health":  h.health,
		"ready":   h.ready,
		"metrics": h.writeMetrics,
		"service": h.service,
	}
}

// health says that the process lives, whatever state it is in.
func (h *Host) health(x *exchange.Exchange) {
	answerJSON(x, fasthttp.StatusOK, map[string]string{"status": "ok"})
}

// ready says whether new requests are welcome. Clients may see this, so it does not
// tell where the store is.
func (h *Host) ready(x *exchange.Exchange) {
	reason := h.closing()
	if reason == "" && h.storeTrouble() != nil {
		reason = kv.ErrUnavailable.Error()
	}
	if reason != "" {
		answerJSON(x, fasthttp.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": reason})
		return
	}
	answerJSON(x, fasthttp.StatusOK, map[string]string{"status": "ready"})
}

// notReady returns why the host is not ready, or "".
func (h *Host) notReady() string {
	reason := h.closing()
	if reason == "" {
		if err := h.storeTrouble(); err != nil {
			return err.Error()
		}
	}
	return reason
}

// closing returns how far the host is on its way down, or "".
func (h *Host) closing() string {
	switch {
	case h.draining.Load():
		return "draining"
	case h.Generation() == 0:
		return "closed"
	}
	return ""
}

func (h *Host) writeMetrics(x *exchange.Exchange) {
	x.Answer(fasthttp.StatusOK, h.exposition())
	x.Response.Header.SetContentType("text/plain; version=0.0.4; charset=utf-8")
}

// serviceInfo is what a service registry wants to know of a host.
type serviceInfo struct {
	Name          string   `json:"name"`
	Version       string   `json:"version"`
	Host          string   `json:"host"`
	Port          int      `json:"port"`
	HealthPath    string   `json:"health_path,omitempty"`
	Services      []string `json:"services"` // those this host serves itself
	MemoryBytes   int64    `json:"memory_bytes"`
	UptimeSeconds float64  `json:"uptime_seconds"`
	Generation    int64    `json:"generation"`
}

func (h *Host) service(x *exchange.Exchange) {
	resident, _ := memory()
	info := serviceInfo{
		Name:          "wasmlane",
		Version:       h.options.Version,
		Services:      []string{},
		MemoryBytes:   resident,
		UptimeSeconds: time.Since(h.started).Round(time.Millisecond).Seconds(),
	}
	info.Host, _ = os.Hostname()
	info.Port = h.listenPort()
	if g := h.current.Acquire(); g != nil {
		defer g.Release()
		info.Generation = g.Number
		for _, r := range g.Routes() {
			if r.Config.Builtin == "health" && info.HealthPath == "" {
				info.HealthPath = r.Config.Path
			}
		}
		for name, s := range g.Config.Services {
			if s.Local() {
				info.Services = append(info.Services, name)
			}
		}
		slices.Sort(info.Services)
	}
	answerJSON(x, fasthttp.StatusOK, info)
}

// listenPort returns the port the host listens on: the real one while it does,
// that of host.toml otherwise.
func (h *Host) listenPort() int {
	if port := h.port.Load(); port != 0 {
		return int(port)
	}
	_, port, _ := net.SplitHostPort(h.first.Server.Listen)
	n, _ := strconv.Atoi(port)
	return n
}

func answerJSON(x *exchange.Exchange, status int, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		x.Fail(fasthttp.StatusInternalServerError, "internal error")
		return
	}
	x.Answer(status, append(body, '\n'))
}
