package host

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// sharedStore is an open store and who holds it: the host, for the settings in
// force, and each generation built on it. The last one closes it, so that a
// reload that moves the store leaves the old one to the requests inside.
type sharedStore struct {
	kv.Store
	settings config.Store
	refs     atomic.Int64
}

func share(s kv.Store, settings config.Store) *sharedStore {
	shared := &sharedStore{Store: s, settings: settings}
	shared.refs.Store(1)
	return shared
}

func (s *sharedStore) retain() { s.refs.Add(1) }

func (s *sharedStore) release(log *slog.Logger) {
	if s.refs.Add(-1) != 0 {
		return
	}
	if err := s.Close(); err != nil {
		log.Error("closing the store", slog.Any("error", err))
	}
}

// checkStore is openStore without opening anything.
func checkStore(cfg *config.Config) error {
	if cfg.Store.Backend != "redis" {
		return nil
	}
	_, err := redisOptions(cfg)
	return err
}

// openStore opens the store of the configuration. It waits for no server: a Redis
// that is down makes the host not ready, and comes in when it is there.
func (h *Host) openStore(cfg *config.Config) (*sharedStore, error) {
	switch cfg.Store.Backend {
	case "memory":
		return share(kv.NewMemory(), cfg.Store), nil
	case "redis":
		o, err := redisOptions(cfg)
		if err != nil {
			return nil, err
		}
		o.Changed = func(err error) { h.storeChanged(o.Addresses, err) }
		o.Risk = func(why string) { h.log.Warn("Redis may lose data", slog.String("why", why)) }
		return share(kv.NewRedis(o), cfg.Store), nil
	}
	s, err := kv.OpenEmbedded(cfg.Store.Path)
	if err != nil {
		return nil, err
	}
	return share(s, cfg.Store), nil
}

// storeChanged logs that a store has gone down or come back. Plugins that could not
// initialise without it are tried again.
func (h *Host) storeChanged(addresses []string, err error) {
	store := slog.String("store", "redis "+strings.Join(addresses, ","))
	if err != nil {
		h.log.Error("the store is down", store, slog.Any("error", err))
		return
	}
	h.log.Info("the store is back", store)
	go func() {
		for _, p := range h.Plugins() {
			if p.Error != "" {
				_ = h.Reload() // it has logged what went wrong
				return
			}
		}
	}()
}

// redisOptions turns store.url into what package kv wants. Its errors show nothing
// of the URL but the name of a file.
func redisOptions(cfg *config.Config) (kv.RedisOptions, error) {
	r, err := config.ParseRedis(cfg.Store.URL)
	if err != nil {
		return kv.RedisOptions{}, err
	}
	o := kv.RedisOptions{
		Addresses: r.Addresses, Cluster: r.Cluster, Master: r.Master,
		User: r.User, Password: r.Password, Database: r.Database,
	}
	if !r.TLS {
		return o, nil
	}
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if r.CA == "" {
		return o, nil
	}
	file := r.CA
	if !filepath.IsAbs(file) {
		file = filepath.Join(cfg.Dir, file)
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return o, fmt.Errorf("cannot read the certificates of ?ca: %w", err)
	}
	o.TLS.RootCAs = x509.NewCertPool()
	if !o.TLS.RootCAs.AppendCertsFromPEM(pem) {
		return o, fmt.Errorf("%s of ?ca has no certificate in PEM", file)
	}
	return o, nil
}

// storeError puts the place in host.toml on an error about the store.
func storeError(cfg *config.Config, err error) config.Error {
	key := "store.path"
	if cfg.Store.Backend == "redis" {
		key = "store.url"
	}
	return cfg.Error(cfg.Lines.Of(key), key, "%v", err)
}

// storeTrouble returns why the store of the current generation is down, or nil.
func (h *Host) storeTrouble() error {
	g := h.current.Acquire()
	if g == nil {
		return nil
	}
	defer g.Release()
	return g.Store().Health()
}

func unavailableStore() *sharedStore { return share(kv.Unavailable(), config.Store{}) }
