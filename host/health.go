package host

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/config"
)

// HealthCheck is one question to a host that runs, mostly in another process of
// the same container.
type HealthCheck struct {
	// Target is what to ask. "" is /healthz or /readyz of the admin listener that
	// host.toml names or, when that is off, the first route to @health or @ready. A
	// path is one of the clients' listener; a URL is asked as it is, without
	// host.toml.
	Target string
	// Ready asks whether new requests are welcome, not only whether the process
	// lives. It matters when Target is "".
	Ready bool
	// Insecure takes any certificate for a URL. The listeners that host.toml names
	// are this host's own and may have a certificate for any name.
	Insecure bool
	// Timeout bounds it all: connecting, TLS and the answer. 0 means 3 seconds.
	Timeout time.Duration
}

const (
	healthTimeout = 3 * time.Second
	healthBody    = 64 << 10 // the most that is read of an answer
)

// CheckHealth asks and returns in a line what was asked and what came back. The
// error is nil when the answer is a 2xx. No token is sent, the endpoints of health
// need none.
//
// Mistakes in host.toml are no failure: the host that runs may well serve what
// stood there before. A file that cannot be read at all leaves the defaults, and the
// line says so.
func CheckHealth(file string, check HealthCheck) (string, error) {
	if check.Timeout <= 0 {
		check.Timeout = healthTimeout
	}
	if strings.Contains(check.Target, "://") {
		u, err := url.Parse(check.Target)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
			return "", fmt.Errorf(`%q is no URL to ask; write "http://host:port/path", or "/path" for the listener of host.toml`, check.Target)
		}
		return askHealth(u, check)
	}
	cfg, problems := config.Load(file)
	unread := cfg == nil
	if unread {
		cfg = config.Defaults()
		cfg.File = file
	}
	u, err := healthURL(cfg, check)
	if err != nil {
		return "", err
	}
	check.Insecure = true
	line, err := askHealth(u, check)
	switch { // the defaults may have been the wrong place
	case unread && err != nil:
		return "", errors.Join(err, problems)
	case unread:
		return fmt.Sprintf("%s (asked by default: %v)", line, problems), nil
	}
	return line, err
}

// healthURL returns what a host with this configuration is to be asked.
func healthURL(cfg *config.Config, check HealthCheck) (*url.URL, error) {
	path, builtin := "/healthz", "health"
	if check.Ready {
		path, builtin = "/readyz", "ready"
	}
	key, address, scheme := "admin.listen", cfg.Admin.Listen, "http"
	if check.Target != "" || address == "" {
		key, address = "server.listen", cfg.Server.Listen
		if cfg.Server.TLSCert != "" {
			scheme = "https"
		}
		path = check.Target
	}
	query := ""
	if check.Target != "" {
		if !strings.HasPrefix(check.Target, "/") {
			return nil, fmt.Errorf(`%q is neither a path nor a URL; write "/ready" or "http://host:port/ready"`, check.Target)
		}
		target, err := url.ParseRequestURI(check.Target)
		if err != nil {
			return nil, fmt.Errorf(`%q is no path; write "/ready", with anything else percent-encoded`, check.Target)
		}
		path, query = target.Path, target.RawQuery
	} else if path == "" {
		if path = builtinPath(cfg, builtin); path == "" {
			return nil, cfg.Error(cfg.Lines.Of("admin.listen"), "admin.listen",
				`is off, and no route without parameters names "@%s"; add one, or ask a URL`, builtin)
		}
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, cfg.Error(cfg.Lines.Of(key), key, "%v", err)
	}
	if strings.Trim(port, "0") == "" {
		return nil, cfg.Error(cfg.Lines.Of(key), key, "has no fixed port, so nobody knows where to ask; set one, or ask a URL")
	}
	switch ip := net.ParseIP(host); {
	case host == "", ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		host = "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		host = "::1"
	}
	return &url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port), Path: path, RawQuery: query}, nil
}

// builtinPath returns the path of the first route to a handler of the host's own
// that a GET without parameters reaches, "" when there is none.
func builtinPath(cfg *config.Config, builtin string) string {
	for _, r := range cfg.Routes {
		get := len(r.Methods) == 0
		for _, m := range r.Methods {
			get = get || m == "GET"
		}
		if r.Builtin == builtin && get && !strings.Contains(r.Path, "{") {
			return r.Path
		}
	}
	return ""
}

// askHealth sends the one request.
func askHealth(u *url.URL, check HealthCheck) (string, error) {
	deadline := time.Now().Add(check.Timeout)
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	resp := fasthttp.AcquireResponse()
	defer fasthttp.ReleaseResponse(resp)
	if err := getOnce(u, address, check.Insecure, deadline, resp); err != nil {
		return "", fmt.Errorf("%s: %w", u, plainly(err, check.Timeout))
	}
	status := resp.StatusCode()
	line := fmt.Sprintf("%s: %d%s", u, status, reasonIn(resp.Body()))
	if status < 200 || status > 299 {
		return "", errors.New(line)
	}
	return line, nil
}

// getOnce sends one GET over a connection of its own, without a second try.
func getOnce(u *url.URL, address string, insecure bool, deadline time.Time, resp *fasthttp.Response) error {
	conn, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if u.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: insecure})
	}
	req := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(req)
	req.SetRequestURI(u.String())
	req.SetConnectionClose()
	w := bufio.NewWriter(conn)
	if err := errors.Join(req.Write(w), w.Flush()); err != nil {
		return err
	}
	return resp.ReadLimitBody(bufio.NewReader(conn), healthBody)
}

// plainly puts what went wrong with a connection into words for a log.
func plainly(err error, timeout time.Duration) error {
	var late net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("connection refused; nothing listens there")
	case errors.Is(err, fasthttp.ErrTimeout), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return fmt.Errorf("no answer within %s", timeout)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return fmt.Errorf("an answer of more than %d KiB, which is no health", healthBody>>10)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return errors.New("the connection was closed without a whole answer")
	}
	return err
}

// reasonIn returns the reason that a JSON answer of this host holds, after a colon,
// "" when it has none. Whoever answers may be somebody else: it is one short line.
func reasonIn(body []byte) string {
	var told struct{ Status, Reason, Error string }
	if json.Unmarshal(body, &told) != nil {
		return ""
	}
	for _, text := range []string{told.Reason, told.Error, told.Status} {
		if text == "" {
			continue
		}
		if quoted := fmt.Sprintf("%+q", text); quoted != `"`+text+`"` {
			text = quoted
		}
		if len(text) > 200 {
			text = text[:200] + "…"
		}
		return ": " + text
	}
	return ""
}
