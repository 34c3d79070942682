package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
)

// uploaded is the answer to a module that serves.
type uploaded struct {
	reloaded
	Plugin   string   `json:"plugin"`
	SHA256   string   `json:"sha256"`
	Size     int      `json:"size_bytes"`
	Handlers []string `json:"handlers"`
}

// upload takes a module, builds a generation with it, puts it in the place of the
// plugin's file, and serves. Until all of that is known to work, nothing changes.
func (h *Host) upload(name string, size int, body io.Reader) (status int, document any) {
	refuse := func(status int, format string, args ...any) (int, any) {
		err := fmt.Errorf(format, args...)
		for _, problem := range problemsOf(err) {
			h.log.Warn("upload refused", slog.String("plugin", name), slog.String("error", problem))
		}
		return status, h.unchanged(err)
	}
	cfg := h.config()
	switch {
	case cfg == nil:
		return fasthttp.StatusServiceUnavailable, h.unchanged(ErrClosed)
	case !config.IsName(name): // not into the log: it is anything
		return fasthttp.StatusBadRequest, h.unchanged(errors.New(`that is no name of a plugin; write letters a-z, digits, "_" and "-", a letter first`))
	case !h.uploading.CompareAndSwap(false, true):
		return refuse(fasthttp.StatusConflict, "another upload is under way; try again")
	}
	defer h.uploading.Store(false)

	most := cfg.Plugin(name).MaxModule
	if int64(size) > most {
		return refuse(fasthttp.StatusRequestEntityTooLarge, "%d bytes are over max_module of %d", size, most)
	}
	wasm, err := io.ReadAll(io.LimitReader(body, most+1))
	switch {
	case int64(len(wasm)) > most:
		return refuse(fasthttp.StatusRequestEntityTooLarge, "the module is over max_module of %d bytes", most)
	case err != nil, size >= 0 && len(wasm) < size:
		return refuse(fasthttp.StatusBadRequest, "the module did not arrive whole")
	}
	info, err := sandbox.Inspect(context.Background(), wasm, generation.Imports())
	if err == nil {
		err = info.Refused
	}
	if err != nil {
		return refuse(fasthttp.StatusUnprocessableEntity, "%s: %w", name, err)
	}
	_, err = os.Stat(moduleFile(cfg, name))
	status, word := fasthttp.StatusOK, "replaced"
	if errors.Is(err, os.ErrNotExist) {
		status, word = fasthttp.StatusCreated, "added"
	}
	done, err := h.reload(&generation.Module{Plugin: name, Wasm: wasm})
	if err != nil {
		return refuse(fasthttp.StatusUnprocessableEntity, "%w", err)
	}
	h.log.Info("plugin uploaded", slog.String("plugin", name), slog.String("sha256", info.SHA256), slog.Int("bytes", len(wasm)))
	return status, uploaded{
		reloaded: reloaded{word, done.Generation, append([]string{}, done.Changed...)},
		Plugin:   name, SHA256: info.SHA256, Size: len(wasm), Handlers: append([]string{}, info.Handlers...),
	}
}

func moduleFile(cfg *config.Config, plugin string) string {
	return filepath.Join(cfg.PluginDir, plugin+".wasm")
}

// place puts a module in the place of its plugin's file, whole or not at all, also
// for whoever reads the directory at the same time.
func place(cfg *config.Config, m *generation.Module) (err error) {
	file := moduleFile(cfg, m.Plugin)
	defer func() {
		if err != nil {
			var path *os.PathError
			var link *os.LinkError
			if errors.As(err, &path) {
				err = path.Err
			} else if errors.As(err, &link) {
				err = link.Err
			}
			err = &FileError{file, fmt.Errorf("cannot be written: %w", err)}
		}
	}()
	mode := os.FileMode(0o644)
	if old, err := os.Stat(file); err == nil {
		mode = old.Mode().Perm()
	}
	// A name with a dot in front is none that a plugin can have.
	part, err := os.CreateTemp(cfg.PluginDir, "."+m.Plugin+".upload-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part.Name())
		}
	}()
	_, err = part.Write(m.Wasm)
	err = errors.Join(err, part.Chmod(mode), part.Sync(), part.Close())
	if err != nil {
		return err
	}
	return os.Rename(part.Name(), file)
}
