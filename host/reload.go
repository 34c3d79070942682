package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/reload"
)

// Reload reads the configuration and the plugins again and serves new requests
// from them. It is all or nothing: on any error, which holds every problem, a
// line each, nothing changes and the generation before goes on.
func (h *Host) Reload() error {
	_, err := h.reload(nil)
	return err
}

// reload is Reload, with a module that takes the place of a plugin's file if all
// is well, nil for none. It tells what was done, too. A module that is refused is no
// failed reload, since what is running is what stands in the files: the caller logs it.
func (h *Host) reload(instead *generation.Module) (reloadStatus, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return reloadStatus{}, ErrClosed
	}
	start := time.Now()
	changed, err := h.reloadLocked(instead)
	status := reloadStatus{
		Time: time.Now(), OK: err == nil, Generation: h.Generation(),
		Seconds: time.Since(start).Seconds(), Changed: changed,
	}
	if err != nil && instead != nil {
		return status, err
	}
	if err != nil {
		status.Errors = problemsOf(err)
		h.log.Error("reload failed; nothing was changed", slog.Int64("generation", status.Generation))
		for _, problem := range status.Errors {
			h.log.Error(problem)
		}
	}
	h.history.add(status)
	return status, err
}

// problemsOf splits an error into its lines.
func problemsOf(err error) []string { return strings.Split(err.Error(), "\n") }

// reloadLocked is reload with h.mu held. It returns what changed.
func (h *Host) reloadLocked(instead *generation.Module) (changed []string, err error) {
	cfg, problems := config.Load(h.file)
	if cfg == nil {
		return nil, problems
	}
	h.refused.Store(cfg)
	store := h.store
	store.retain()
	if moved := cfg.Store != h.store.settings; moved && len(problems) == 0 {
		if opened, err := h.openStore(cfg); err != nil {
			problems = append(problems, storeError(cfg, err))
		} else {
			store.release(h.log)
			store = opened
		}
	}
	defer store.release(h.log) // what stays is held by the host and the generation
	if err := h.checkServer(cfg); err != nil {
		problems = append(problems, serverError(cfg, err))
	}

	previous := h.current.Acquire()
	if previous == nil {
		return nil, ErrClosed
	}
	defer previous.Release()
	next, found := h.build(cfg, store, previous, instead)
	found.Config = append(problems, found.Config...).Sort()
	if !found.Any() {
		if err := h.reloadTLS(cfg); err != nil {
			found.Config = append(found.Config, serverError(cfg, err))
		}
	}
	if !found.Any() && instead != nil {
		if err := place(cfg, instead); err != nil {
			found.Plugins = append(found.Plugins, err)
		}
	}
	if found.Any() {
		next.Release()
		return nil, joined(found.All())
	}

	if store != h.store {
		store.retain()
		h.store.release(h.log)
		h.store = store
	}
	h.budget.SetLimit(cfg.Server.BodyMemory)
	h.builder.Client.SetMaxResponse(cfg.Server.MaxResponse)
	if s := h.server.Load(); s != nil {
		s.SetMaxBody(cfg.LargestBody())
	}
	if s := h.operator.Load(); s != nil {
		s.SetMaxBody(largestModule(cfg))
	}
	h.setLog(cfg.Log)
	h.setTrace(cfg.Trace)
	if keys := config.NeedRestart(h.first, cfg); len(keys) > 0 {
		h.log.Warn("these settings take effect at the next start", slog.String("keys", strings.Join(keys, ", ")))
	}
	words := changes(previous, next)
	h.current.Swap(next)
	h.refused.Store(nil)
	h.announce()
	h.log.Info("reloaded", slog.Int64("generation", next.Number), slog.String("changed", inShort(words)))
	return append(words, settings(previous.Config, cfg)...), nil
}

func (h *Host) reloadTLS(cfg *config.Config) error {
	s := h.server.Load()
	if s == nil || cfg.Server.TLSCert == "" || h.first.Server.TLSCert == "" {
		return nil
	}
	return s.ReloadTLS(cfg.Server.TLSCert, cfg.Server.TLSKey)
}

// changes says in a few words what a reload changed of plugins and routes.
func changes(old, next *generation.Generation) []string {
	before := map[string]*generation.Plugin{}
	for _, p := range old.Plugins() {
		before[p.Name] = p
	}
	var words []string
	for _, p := range next.Plugins() {
		switch was := before[p.Name]; {
		case was == nil:
			words = append(words, "plugin "+p.Name+" added")
		case was != p && was.Hash() == p.Hash():
			words = append(words, "plugin "+p.Name+" (settings)")
		case was != p:
			words = append(words, "plugin "+p.Name)
		}
		delete(before, p.Name)
	}
	for name := range before {
		words = append(words, "plugin "+name+" removed")
	}
	if a, b := len(old.Routes()), len(next.Routes()); a != b {
		words = append(words, fmt.Sprintf("routes %d to %d", a, b))
	}
	slices.Sort(words)
	return words
}

func inShort(words []string) string {
	if len(words) == 0 {
		return "no plugin"
	}
	return strings.Join(words, ", ")
}

// settings names the keys that differ between two configurations, outside the
// sections of plugins and routes, and the services that do.
func settings(old, now *config.Config) (keys []string) {
	before, after := old.Effective(), now.Effective()
	for name, value := range after {
		section, ok := value.(map[string]any)
		switch name {
		case "plugin", "route":
			continue
		case "service":
			keys = append(keys, different(before[name].(map[string]any), section)...)
			continue
		}
		if !ok {
			if !reflect.DeepEqual(value, before[name]) {
				keys = append(keys, name)
			}
			continue
		}
		for key, value := range section {
			if !reflect.DeepEqual(value, before[name].(map[string]any)[key]) {
				keys = append(keys, name+"."+key)
			}
		}
	}
	// What is hidden looks the same before and after.
	for key, same := range map[string]bool{
		"admin.token":     old.Admin.Token == now.Admin.Token,
		"store.url":       old.Store.URL == now.Store.URL,
		"discovery.token": old.Discovery.Token == now.Discovery.Token,
	} {
		if !same {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// different names the services that are not the same in both.
func different(old, now map[string]any) (names []string) {
	for name, service := range now {
		if !reflect.DeepEqual(service, old[name]) {
			names = append(names, "service."+name)
		}
	}
	for name := range old {
		if now[name] == nil {
			names = append(names, "service."+name+" removed")
		}
	}
	return names
}

// watch reloads when host.toml, a plugin, a certificate or a file that a value is
// read from changes, until ctx ends. What has changed since the host was opened counts.
func (h *Host) watch(ctx context.Context) {
	first := h.opened
	look := func() (dirs []string, fingerprint string) {
		dirs, fingerprint = h.look()
		if first != "" {
			fingerprint, first = first, ""
		}
		return dirs, fingerprint
	}
	reload.Watch(ctx, look, func() {
		// Reload has logged what went wrong; the next change tries again.
		if err := h.Reload(); errors.Is(err, ErrClosed) {
			return
		}
	}, h.log)
}

// look takes the fingerprint of everything a generation is built from.
func (h *Host) look() (dirs []string, fingerprint string) {
	fingerprint = stamp(h.file)
	dirs = []string{filepath.Dir(h.file)}
	var referenced []string
	if g := h.current.Acquire(); g != nil {
		cfg := g.Config
		g.Release()
		dirs = append(dirs, cfg.PluginDir)
		if cfg.Server.TLSCert != "" {
			dirs = append(dirs, filepath.Dir(cfg.Server.TLSCert), filepath.Dir(cfg.Server.TLSKey))
		}
		referenced = cfg.ReferencedFiles()
		for _, file := range referenced {
			dirs = append(dirs, filepath.Dir(file))
		}
		fingerprint += stampSources(cfg)
	}
	if cfg := h.refused.Load(); cfg != nil {
		for _, file := range cfg.ReferencedFiles() {
			s := stamp(file)
			if slices.Contains(referenced, file) || strings.HasSuffix(s, missing) {
				s = "" // that it was refused alone is no change
			}
			dirs, fingerprint = append(dirs, filepath.Dir(file)), fingerprint+s
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs), fingerprint
}

// stampSources is the fingerprint of the files that a configuration names.
func stampSources(cfg *config.Config) string {
	// Names that begin with a dot are files on their way to another name.
	files, _ := filepath.Glob(filepath.Join(cfg.PluginDir, "[a-z]*.wasm"))
	if cfg.Server.TLSCert != "" {
		files = append(files, cfg.Server.TLSCert, cfg.Server.TLSKey)
	}
	files = append(files, cfg.ReferencedFiles()...)
	var b strings.Builder
	for _, file := range files {
		b.WriteString(stamp(file))
	}
	return b.String()
}

// missing ends the stamp of a file that is not there.
const missing = " -\n"

// stamp tells one state of a file from another. Where links lead to and, where
// there are any, the number of the inode are part of it: what tools unpack with
// fixed times may differ in nothing else.
func stamp(file string) string {
	s, err := os.Stat(file)
	if err != nil {
		return file + missing
	}
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		real = file // swapped just now; the next look has it
	}
	return fmt.Sprintf("%s %s %d %d %d\n", file, real, s.Size(), s.ModTime().UnixNano(), inode(s))
}
