package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
)

// cacheKeep is how long an entry of the cache is kept that nothing uses.
const cacheKeep = 30 * 24 * time.Hour

// cache looks after the directory in which the engine keeps machine code.
//
// The engine writes one file for a module, DIR/wazero-VERSION-ARCH-OS/KEY, and
// runs what it finds there. It checks the code by a checksum, but not the table
// of functions before it, and it allocates by counts from the file: a damaged
// entry could end the process. So a file KEY.sum beside each entry holds the
// entry's checksum, and an entry that does not match it is removed before the
// engine looks. Sums are about damage: who may write here could also write a sum.
//
// KEY is made from the module, a constant and a word of processor features that
// the engine does not tell. That word has at most three bits, so all eight keys
// are tried: exactly one exists once the module is compiled. If a later version
// of the engine names its files otherwise, the test of this file fails; entries
// would then only ever be removed for their age.
//
// An entry's modification time is its last use, set at every load and release.
type cache struct {
	dir     string
	current string // the directory of this version of the engine, in dir
	log     *slog.Logger

	rewrites *rewrites
}

// openCache makes the directory ready: it is closed to other users, because its
// contents are executed, and cleared of what was not used for long.
func openCache(dir string, log *slog.Logger) (*cache, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot close the directory to other users: %w", err)
	}
	name, err := engineDir(dir)
	if err != nil {
		return nil, err
	}
	c := &cache{dir: dir, current: filepath.Join(dir, name), log: log}
	if c.rewrites, err = openRewrites(dir, log); err != nil {
		return nil, err
	}
	c.prune(time.Now())
	return c, nil
}

// engineDir finds out how this version of the engine names its directory: it
// makes one in an empty place. It fails when dir cannot be written to.
func engineDir(dir string) (name string, err error) {
	probe, err := os.MkdirTemp(dir, "probe-*")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(probe)) }()
	compiled, err := wazero.NewCompilationCacheWithDir(probe)
	if err != nil {
		return "", err
	}
	if err := compiled.Close(context.Background()); err != nil {
		return "", err
	}
	made, err := os.ReadDir(probe)
	if err != nil {
		return "", err
	}
	if len(made) != 1 {
		return "", fmt.Errorf("the engine made %d directories where one was expected", len(made))
	}
	return made[0].Name(), nil
}

// cacheFile matches what the engine and this package put into the directory of a
// version, now or (.sha256) before. Nothing else is ever removed.
var cacheFile = regexp.MustCompile(`^[0-9a-f]{64}(\.sum|\.code|\.sha256)?(\.[0-9]+\.tmp)?$`)

// prune removes entries unused since long before now, of all versions of the
// engine. Failing is no matter: the next start tries again.
func (c *cache) prune(now time.Time) {
	versions, _ := os.ReadDir(c.dir)
	for _, v := range versions {
		if !v.IsDir() || v.Name() != rewritesDir && !strings.HasPrefix(v.Name(), "wazero-") {
			continue
		}
		dir := filepath.Join(c.dir, v.Name())
		files, _ := os.ReadDir(dir)
		for _, f := range files {
			info, err := f.Info()
			if err != nil || !info.Mode().IsRegular() || !cacheFile.MatchString(f.Name()) || now.Sub(info.ModTime()) < cacheKeep {
				continue
			}
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				c.log.Warn("cannot remove an old cache entry", "file", f.Name(), "error", err)
			}
		}
		if dir != c.current && v.Name() != rewritesDir {
			_ = os.Remove(dir) // succeeds when it is empty
		}
	}
}

// engineID is how the engine knows a module: by its bytes, and by being compiled
// without WithCloseOnContextDone.
func engineID(wasm []byte) (id [sha256.Size]byte) {
	h := sha256.New()
	h.Write(wasm)
	h.Write([]byte{0})
	h.Sum(id[:0])
	return id
}

// names returns where machine code for the module may be, one name for each set
// of processor features.
func (c *cache) names(id [sha256.Size]byte) (files [8]string) {
	for features := range files {
		key := sha256.New()
		key.Write(id[:])
		key.Write([]byte("WAZEVO"))
		key.Write(binary.LittleEndian.AppendUint64(nil, uint64(features)))
		files[features] = filepath.Join(c.current, hex.EncodeToString(key.Sum(nil)))
	}
	return files
}

// entries returns the files that hold machine code for the module.
func (c *cache) entries(id [sha256.Size]byte) []string {
	var found []string
	for _, file := range c.names(id) {
		if _, err := os.Lstat(file); err == nil {
			found = append(found, file)
		}
	}
	return found
}

// held are entries of one module that were found sound, open: as long as they
// are, no other file can be mistaken for them.
type held struct {
	id    [sha256.Size]byte
	files []*os.File
}

func (h held) close() {
	for _, f := range h.files {
		_ = f.Close()
	}
}

func (h held) names() []string {
	names := make([]string, len(h.files))
	for i, f := range h.files {
		names[i] = f.Name()
	}
	return names
}

// hold opens the entries of the module. Those that are not as they were written
// are removed. The caller closes what is left.
func (c *cache) hold(id [sha256.Size]byte) held {
	h := held{id: id}
	for _, name := range c.entries(id) {
		f, err := os.Open(name)
		if err == nil {
			var want, got []byte
			if want, err = os.ReadFile(name + sumSuffix); err == nil {
				got, err = checksum(f)
			}
			if err == nil && bytes.Equal(want, got) {
				h.files = append(h.files, f)
				continue
			}
			_ = f.Close()
		}
		c.log.Warn("a cache entry is damaged, compiling again", "file", name)
		c.remove(name)
	}
	return h
}

// unchanged reports whether the module's entries are still those held, and no
// others: then the engine has read one of them and has compiled nothing.
func (c *cache) unchanged(h held) bool {
	now := c.entries(h.id)
	if len(now) != len(h.files) {
		return false
	}
	for i, f := range h.files {
		was, err := f.Stat()
		if err != nil {
			return false
		}
		is, err := os.Lstat(now[i])
		if err != nil || !os.SameFile(was, is) {
			return false
		}
	}
	return true
}

// move gives the entries of a module to another, with checksums, and reports
// whether there was one.
func (c *cache) move(from, to [sha256.Size]byte) bool {
	moved := false
	target := c.names(to)
	for i, file := range c.names(from) {
		if _, err := os.Lstat(file); err != nil {
			continue
		}
		err := writeChecksum(file, target[i]+sumSuffix)
		if err == nil {
			err = os.Rename(file, target[i])
		}
		if err != nil {
			c.log.Warn("cannot write to the cache", "file", target[i], "error", err)
			c.remove(file)
			continue
		}
		moved = true
	}
	return moved
}

// used marks entries as used now.
func (c *cache) used(files []string) {
	now := time.Now()
	for _, file := range files {
		for _, suffix := range []string{"", sumSuffix, codeSuffix} {
			_ = os.Chtimes(file+suffix, now, now)
		}
	}
}

// wipe removes the module's entries.
func (c *cache) wipe(id [sha256.Size]byte) {
	for _, file := range c.entries(id) {
		c.remove(file)
	}
}

func (c *cache) remove(file string) {
	for _, f := range []string{file, file + sumSuffix, file + codeSuffix} {
		if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.log.Warn("cannot remove a cache entry", "file", f, "error", err)
		}
	}
}
