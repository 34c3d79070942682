package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
// entry could end the process. So a file KEY.sha256 beside each entry holds the
// entry's checksum, and an entry that does not match it is removed before the
// engine looks.
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
// version. Nothing else is ever removed.
var cacheFile = regexp.MustCompile(`^[0-9a-f]{64}(\.sha256)?(\.[0-9]+\.tmp)?$`)

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

// entries returns the files that hold machine code for the module.
func (c *cache) entries(wasm []byte) []string {
	id := sha256.New()
	id.Write(wasm)
	id.Write([]byte{0}) // compiled without WithCloseOnContextDone
	module := id.Sum(nil)
	var found []string
	for features := range uint64(8) {
		key := sha256.New()
		key.Write(module)
		key.Write([]byte("WAZEVO"))
		key.Write(binary.LittleEndian.AppendUint64(nil, features))
		file := filepath.Join(c.current, hex.EncodeToString(key.Sum(nil)))
		if _, err := os.Lstat(file); err == nil {
			found = append(found, file)
		}
	}
	return found
}

// verify removes entries of the module that are not as they were written, and
// reports whether a sound one is left.
func (c *cache) verify(wasm []byte) bool {
	sound := false
	for _, file := range c.entries(wasm) {
		want, err := os.ReadFile(file + ".sha256")
		if err == nil {
			var got []byte
			if got, err = checksum(file); err == nil && bytes.Equal(want, got) {
				sound = true
				continue
			}
		}
		c.log.Warn("a cache entry is damaged, compiling again", "file", file)
		c.remove(file)
	}
	return sound
}

// used marks entries as used now, and writes the checksums of new ones.
func (c *cache) used(files []string) {
	now := time.Now()
	for _, file := range files {
		sum := file + ".sha256"
		if _, err := os.Stat(sum); errors.Is(err, fs.ErrNotExist) {
			if err := writeChecksum(file, sum); err != nil {
				c.log.Warn("cannot write to the cache", "file", sum, "error", err)
				c.remove(file) // it could not be trusted later
				continue
			}
		}
		_, _ = os.Chtimes(file, now, now), os.Chtimes(sum, now, now)
	}
}

// wipe removes the module's entries.
func (c *cache) wipe(wasm []byte) {
	for _, file := range c.entries(wasm) {
		c.remove(file)
	}
}

func (c *cache) remove(file string) {
	for _, f := range []string{file, file + ".sha256"} {
		if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.log.Warn("cannot remove a cache entry", "file", f, "error", err)
		}
	}
}

// checksum returns the checksum of a file, in hexadecimal.
func checksum(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return hex.AppendEncode(nil, h.Sum(nil)), nil
}

// writeChecksum puts a file's checksum into another, whole or not at all.
func writeChecksum(file, sum string) error {
	got, err := checksum(file)
	if err != nil {
		return err
	}
	return writeWhole(sum, got)
}
