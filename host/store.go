package host

import (
	"errors"
	"log/slog"
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

// errNoRedis is about a backend that the configuration knows and this version
// does not have.
var errNoRedis = errors.New(`backend "redis" is not available in this version; use "embedded" or "memory"`)

// checkStore is openStore without opening anything.
func checkStore(cfg *config.Config) error {
	if cfg.Store.Backend == "redis" {
		return errNoRedis
	}
	return nil
}

func openStore(cfg *config.Config) (*sharedStore, error) {
	if err := checkStore(cfg); err != nil {
		return nil, err
	}
	if cfg.Store.Backend == "memory" {
		return share(kv.NewMemory(), cfg.Store), nil
	}
	s, err := kv.OpenEmbedded(cfg.Store.Path)
	if err != nil {
		return nil, err
	}
	return share(s, cfg.Store), nil
}

// storeError puts the place in host.toml on an error about the store.
func storeError(cfg *config.Config, err error) config.Error {
	key := "store.path"
	if errors.Is(err, errNoRedis) {
		key = "store.backend"
	}
	return cfg.Error(cfg.Lines.Of(key), key, "%v", err)
}

func unavailableStore() *sharedStore { return share(kv.Unavailable(), config.Store{}) }
