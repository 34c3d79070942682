package sandbox

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

// Machine code that lies in memory of this process alone, though most of it is
// never run: of a Go program's 14 MB requests touch one or two. So, once nobody
// waits for it any more, the engine's copy is replaced by a mapping of a file with
// the same bytes, KEY.code beside the entry of the cache. Then the system reads
// what is run, drops what is not, and hosts on one machine share it.
//
// Such a file is trusted like the program's own: it is written whole, under
// another name, and never changed; the directory is closed to other users. It is
// compared with the engine's copy, byte for byte, before it takes its place.

// codeSuffix is what the name of the file with machine code ends in.
const codeSuffix = ".code"

// shareLeast is how much machine code is worth a file.
const shareLeast = 256 << 10

// executableOf returns the machine code that an instance runs, given one of its
// functions: nil when the engine does not show it (see native.go). It is valid as
// long as the code is held.
func executableOf(f api.Function) []byte {
	module := field(field(reflect.ValueOf(f), "parent"), "parent")
	code := field(field(module, "executables"), "executable")
	if code.Kind() != reflect.Slice || code.Type().Elem().Kind() != reflect.Uint8 {
		return nil
	}
	return code.Bytes()
}

// Trim takes out of this process's memory what loading modules has left there and
// calls may never need. It takes some milliseconds for a large module, and may
// write it to the cache first; it does nothing for a module it was called for before.
func (r *Runtime) Trim() {
	if r.cache == nil || !canShare {
		return
	}
	var all []*code
	r.mu.Lock()
	for _, c := range r.codes {
		select {
		case <-c.ready:
			if c.err == nil && c.refs > 0 && !r.closed && len(c.cacheFiles) == 1 && !c.trimmed {
				c.trimmed = true
				c.refs++
				r.users++
				all = append(all, c)
			}
		default:
		}
	}
	r.mu.Unlock()
	for _, c := range all {
		if machine := c.machine.Load(); machine != nil && len(*machine) >= shareLeast {
			file := c.cacheFiles[0] + codeSuffix
			if err := share(*machine, file); err != nil {
				r.log.Warn("machine code stays in memory", "file", file, "error", err)
			}
		}
		r.letGo(c)
	}
}

// share replaces machine code by a mapping of a file with the same bytes, which is
// written when it is missing.
func share(code []byte, file string) error {
	f, err := openSame(file, code)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errOther) {
		if err = writeCode(file, code); err == nil {
			f, err = openSame(file, code)
		}
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return mapOver(code, f)
}

var errOther = errors.New("the file holds something else")

// openSame opens a file that holds exactly these bytes.
func openSame(file string, code []byte) (f *os.File, err error) {
	if f, err = os.Open(file); err != nil {
		return nil, err
	}
	buf := make([]byte, 128<<10)
	for {
		n, err := f.Read(buf)
		if n > len(code) || !bytes.Equal(buf[:n], code[:n]) {
			_ = f.Close()
			return nil, errOther
		}
		code = code[n:]
		if errors.Is(err, io.EOF) && len(code) == 0 {
			return f, nil
		}
		if err != nil {
			_ = f.Close()
			if errors.Is(err, io.EOF) {
				err = errOther // too short
			}
			return nil, err
		}
	}
}

// writeCode puts machine code into a file, all or nothing, and onto the disk: what
// is mapped must be there to be read again.
func writeCode(file string, code []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = tmp.Write(code)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}
