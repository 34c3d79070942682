package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/meter"
)

// rewrites keeps rewritten modules on disk, beside the machine code that the
// engine makes of them: DIR/metered/KEY. KEY is made from the original and from
// this program's own file, because another program may rewrite differently. A
// file starts with its checksum; one that does not match it is written anew.
type rewrites struct {
	dir     string
	program []byte // checksum of the running program's file
	log     *slog.Logger
}

// rewritesDir is the directory's name in the cache directory.
const rewritesDir = "metered"

// openRewrites makes the directory. dir is ready and closed to other users.
func openRewrites(dir string, log *slog.Logger) (*rewrites, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(program)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return nil, err
	}
	w := &rewrites{filepath.Join(dir, rewritesDir), sum.Sum(nil), log}
	return w, os.MkdirAll(w.dir, 0o700)
}

func (w *rewrites) file(key [sha256.Size]byte) string {
	sum := sha256.Sum256(append(bytes.Clone(w.program), key[:]...))
	return filepath.Join(w.dir, hex.EncodeToString(sum[:]))
}

// load returns what was made of the module with that checksum, nil when nothing
// usable is there.
func (w *rewrites) load(key [sha256.Size]byte) *metered {
	file := w.file(key)
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var m *metered
	if err == nil {
		m, err = decodeMetered(b)
	}
	if err != nil {
		w.log.Warn("a cache entry is damaged, rewriting the module again", "file", file, "error", err)
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(file, now, now) // its last use; prune goes by it
	return m
}

// store keeps a rewritten module. Failing costs time at the next start only.
func (w *rewrites) store(key [sha256.Size]byte, m *metered) {
	b, err := encodeMetered(m)
	if err == nil {
		err = writeWhole(w.file(key), b)
	}
	if err != nil {
		w.log.Warn("cannot write to the cache", "file", w.file(key), "error", err)
	}
}

// encodeMetered writes checksum, length of the facts, the facts, and the module.
func encodeMetered(m *metered) ([]byte, error) {
	facts := *m.Result
	facts.Wasm = nil
	head, err := json.Marshal(facts)
	if err != nil {
		return nil, err
	}
	b := make([]byte, sha256.Size, sha256.Size+binary.MaxVarintLen64+len(head)+len(m.Wasm))
	b = binary.AppendUvarint(b, uint64(len(head)))
	b = append(append(b, head...), m.Wasm...)
	sum := sha256.Sum256(b[sha256.Size:])
	copy(b, sum[:])
	return b, nil
}

var errDamaged = errors.New("its checksum does not match")

func decodeMetered(b []byte) (*metered, error) {
	if len(b) < sha256.Size {
		return nil, errDamaged
	}
	sum, rest := b[:sha256.Size], b[sha256.Size:]
	if want := sha256.Sum256(rest); !bytes.Equal(sum, want[:]) {
		return nil, errDamaged
	}
	n, size := binary.Uvarint(rest)
	if size <= 0 || n > uint64(len(rest)-size) {
		return nil, errDamaged
	}
	rest = rest[size:]
	m := &metered{new(meter.Result)}
	if err := json.Unmarshal(rest[:n], m.Result); err != nil {
		return nil, fmt.Errorf("its facts: %w", err)
	}
	m.Wasm = rest[n:]
	return m, nil
}

// writeWhole puts bytes into a file, all or nothing.
func writeWhole(file string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}
