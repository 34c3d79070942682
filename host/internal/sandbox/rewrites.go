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

// rewrites keeps on disk what the host knows of rewritten modules, and their
// outlines, beside the machine code that the engine makes of them:
// DIR/metered/KEY. KEY is made from the original and from what tells this program
// from others, because another one may rewrite differently. A file starts with
// its checksum; one that does not match it is written anew.
type rewrites struct {
	dir     string
	program []byte // checksum of what identifies the running program
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
	sum, err := identify(program)
	if err != nil {
		return nil, err
	}
	w := &rewrites{filepath.Join(dir, rewritesDir), sum, log}
	return w, os.MkdirAll(w.dir, 0o700)
}

// The build ID stands at the start of every Go program, where the go command
// looks for it too: as a note in ELF files, as text in others. It is made from
// all that the program was built of.
const buildIDWithin = 32 << 10

var buildIDs = [][]byte{[]byte("\x04\x00\x00\x00Go\x00\x00"), []byte("\xff Go build ID: \"")}

// identify returns a checksum of what tells a program from others: its start with
// the build ID, since a start would take 10 ms longer to hash it all; or all of it,
// when it was built without a build ID.
func identify(program string) ([]byte, error) {
	f, err := os.Open(program)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	start := make([]byte, buildIDWithin)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	start = start[:n]
	h := sha256.New()
	h.Write(start)
	for _, id := range buildIDs {
		if bytes.Contains(start, id) {
			return h.Sum(nil), nil
		}
	}
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

func (w *rewrites) file(key [sha256.Size]byte) string {
	sum := sha256.Sum256(append(bytes.Clone(w.program), key[:]...))
	return filepath.Join(w.dir, hex.EncodeToString(sum[:]))
}

// load returns what was made of the module with that checksum, its outline but
// not its Wasm; nil when nothing usable is there.
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

// store keeps a rewritten module that has an outline. Failing costs time at the next start only.
func (w *rewrites) store(key [sha256.Size]byte, m *metered) {
	b, err := encodeMetered(m)
	if err == nil {
		err = writeWhole(w.file(key), b)
	}
	if err != nil {
		w.log.Warn("cannot write to the cache", "file", w.file(key), "error", err)
	}
}

// encodeMetered writes checksum, id, length of the facts, the facts, and the
// outline.
func encodeMetered(m *metered) ([]byte, error) {
	facts := *m.Result
	facts.Wasm = nil
	head, err := json.Marshal(facts)
	if err != nil {
		return nil, err
	}
	b := make([]byte, sumSize, sumSize+len(m.id)+binary.MaxVarintLen64+len(head)+len(m.outline))
	b = append(b, m.id[:]...)
	b = binary.AppendUvarint(b, uint64(len(head)))
	b = append(append(b, head...), m.outline...)
	sum := sumOf(b[sumSize:])
	copy(b, sum[:])
	return b, nil
}

var errDamaged = errors.New("its checksum does not match")

func decodeMetered(b []byte) (*metered, error) {
	if len(b) < sumSize+sha256.Size || sumOf(b[sumSize:]) != [sumSize]byte(b) {
		return nil, errDamaged
	}
	m := &metered{Result: new(meter.Result), id: [sha256.Size]byte(b[sumSize:])}
	rest := b[sumSize+sha256.Size:]
	n, size := binary.Uvarint(rest)
	if size <= 0 || n > uint64(len(rest)-size) {
		return nil, errDamaged
	}
	rest = rest[size:]
	if err := json.Unmarshal(rest[:n], m.Result); err != nil {
		return nil, fmt.Errorf("its facts: %w", err)
	}
	m.outline = rest[n:]
	return m, nil
}
