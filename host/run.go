package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/server"
)

// Run listens, watches the files, and serves until ctx ends; then it drains:
// requests in flight may end, for as long as server.drain says. listening, which
// may be nil, is called with the real address once connections are accepted.
// The host is not closed.
func (h *Host) Run(ctx context.Context, listening func(addr string)) error {
	cfg := h.config()
	if cfg == nil {
		return ErrClosed
	}
	main, err := h.newServer(cfg)
	if err != nil {
		return serverError(cfg, err)
	}
	operator, operatorAddr, err := h.adminServer(cfg)
	if err != nil {
		return err
	}
	addr, err := main.Listen()
	if err != nil {
		return errors.Join(serverError(cfg, err), stop(operator))
	}
	h.listening(main, addr)
	defer h.listening(nil, nil)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	go func() { ended <- main.Serve() }()
	if operator != nil {
		go func() { ended <- operator.Serve() }()
		feed := h.feed.Load()
		defer feed.Close()
		go feed.Run()
	}
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		h.watch(ctx)
	}()
	h.log.Info("listening", slog.String("addr", addr.String()))
	if operator != nil {
		h.log.Info("admin listening", slog.String("addr", operatorAddr.String()))
	}
	if listening != nil {
		listening(addr.String())
	}

	h.startRegistration(addr, operatorAddr)
	defer h.endRegistration()
	select {
	case <-ctx.Done():
		err = h.leave(ended)
	case err = <-ended:
		err = fmt.Errorf("serving ended: %w", orUnexpected(err))
	}
	cancel()
	<-watching
	h.withdraw() // where serving has ended by itself
	return errors.Join(err, h.drain(main, operator))
}

// newServer returns the server of the routes, not yet listening.
func (h *Host) newServer(cfg *config.Config) (*server.Server, error) {
	settings := cfg.Server
	settings.MaxBody = cfg.LargestBody() // that of the route is seen to by the handler
	return server.New(server.Options{
		Config:    settings,
		Handler:   h.handle,
		Error:     h.refuse,
		RequestID: func() string { return string(exchange.NewID()) },
		Ebbed:     h.settling.later,
		Log:       h.log,
	})
}

// checkServer finds what New would complain about, the TLS files for example.
func (h *Host) checkServer(cfg *config.Config) error {
	_, err := h.newServer(cfg)
	return err
}

// serverError puts the place in host.toml on an error of a server.
func serverError(cfg *config.Config, err error) config.Error {
	var setting *server.SettingError
	if errors.As(err, &setting) {
		return cfg.Error(cfg.Lines.Of(setting.Key), setting.Key, "%s", setting.Message)
	}
	return cfg.Error(0, "server", "%v", err)
}

// listening makes a server known to the host's own handlers; nil when it ends.
func (h *Host) listening(s *server.Server, addr net.Addr) {
	h.server.Store(s)
	port := 0
	if tcp, ok := addr.(*net.TCPAddr); ok {
		port = tcp.Port
	}
	h.port.Store(int64(port))
}

func orUnexpected(err error) error {
	if err == nil {
		return errors.New("a listener was closed")
	}
	return err
}

// leave says that the host is not ready, to the registry first, and goes on as before for as long as
// server.drain_delay says, so that whoever sends the requests finds out before a
// connection is refused.
func (h *Host) leave(ended <-chan error) error {
	h.draining.Store(true)
	h.withdraw()
	cfg := h.config()
	if cfg == nil || cfg.Server.DrainDelay == 0 {
		return nil
	}
	h.log.Info("not ready; still serving", slog.Duration("drain_delay", cfg.Server.DrainDelay))
	select {
	case <-time.After(cfg.Server.DrainDelay):
		return nil
	case err := <-ended:
		return fmt.Errorf("serving ended: %w", orUnexpected(err))
	}
}

// drain lets requests in flight end. The admin listener goes last, so that
// readiness tells of the drain.
func (h *Host) drain(main, operator *server.Server) error {
	h.draining.Store(true)
	defer h.draining.Store(false)
	limit := h.first.Server.Drain
	if cfg := h.config(); cfg != nil {
		limit = cfg.Server.Drain
	}
	h.log.Info("draining", slog.Int64("in_flight", h.inFlight.Load()), slog.Duration("limit", limit))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := main.Shutdown(ctx)
	if feed := h.feed.Load(); feed != nil {
		feed.Close() // its streams would hold the admin listener open
	}
	err = errors.Join(err, stop(operator))
	if err != nil {
		return fmt.Errorf("draining: %w", err)
	}
	h.log.Info("drained")
	return nil
}

// stop ends the admin listener, which may be nil.
func stop(operator *server.Server) error {
	if operator == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return operator.Shutdown(ctx)
}

// config returns the configuration in force, nil when the host is closed.
func (h *Host) config() *config.Config {
	g := h.current.Acquire()
	if g == nil {
		return nil
	}
	defer g.Release()
	return g.Config
}
