package kv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockWait is how long opening waits for another process to let the file go: long
// enough for the one that this one replaces, short enough for somebody watching.
const lockWait = time.Second

// open opens the file and leaves nothing of it in doubt. With create it makes what
// is missing; opening again must not, or a file that was moved away would come back
// empty. as is what tells the file from others. Errors name the file and what to do.
func open(path string, create bool, wait time.Duration) (db *bbolt.DB, as fs.FileInfo, err error) {
	if create {
		if err := makeDir(filepath.Dir(path)); err != nil {
			return nil, nil, fmt.Errorf("%s: cannot make its directory: %w", path, err)
		}
	}
	var handle *os.File
	var fresh bool
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // see file.view
	defer func() {
		if p := recover(); p != nil {
			db, as, err = nil, nil, damaged(path, panicked(p))
			unlock(handle)
			_ = handle.Close() // the mapping is lost; bbolt gives no way to undo it
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:      max(wait, 1), // 0 would wait for ever
		FreelistType: bbolt.FreelistMapType,
		NoStatistics: true, // nobody reads them, and every transaction would lock them
		OpenFile: func(name string, flag int, perm os.FileMode) (*os.File, error) {
			if !create {
				flag &^= os.O_CREATE
			}
			f, err := os.OpenFile(name, flag, perm)
			if err == nil {
				handle = f
				fresh = empty(f)
			}
			return f, err
		},
	})
	if err != nil {
		return nil, nil, explain(path, err)
	}
	if err = finish(path, db, handle, fresh); err == nil {
		as, err = handle.Stat()
	}
	if err != nil {
		_ = db.Close()
		return nil, nil, err
	}
	return db, as, nil
}

// explain says what a failure of bbolt.Open means.
func explain(path string, err error) error {
	var system syscall.Errno
	switch isSystem := errors.As(err, &system); {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%s: %s has this store open; stop it, or give this host a file of its own with store.path", path, holder(path))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: cannot open the store: %w; let this user read and write it, or set another store.path", path, system)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%s: cannot open the store: it is a directory; store.path must name a file", path)
	case errors.Is(err, fs.ErrNotExist): // with create it would have been made
		return fmt.Errorf("%s: cannot open the store: %w; put the file back, or restart to begin with an empty one", path, system)
	case isSystem:
		return fmt.Errorf("%s: cannot open the store: %w", path, system)
	}
	return damaged(path, err)
}

// errDamaged is what opening again will not change.
var errDamaged = errors.New("not a store, or a damaged one")

func damaged(path string, cause error) error {
	return fmt.Errorf("%s: %w: %w; move the file away, put a copy back in its place, or set another store.path", path, errDamaged, cause)
}

// finish checks the file that bbolt has opened and makes it durable as it is.
func finish(path string, db *bbolt.DB, handle *os.File, fresh bool) error {
	if err := complete(db, handle); err != nil {
		return damaged(path, err)
	}
	if err := settle(handle, db.Info().PageSize); err != nil {
		return fmt.Errorf("%s: cannot write to the store: %w", path, err)
	}
	if fresh {
		if err := syncDir(filepath.Dir(path)); err != nil {
			return fmt.Errorf("%s: cannot sync its directory: %w", path, err)
		}
	}
	return nil
}

func empty(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Size() == 0
}

// complete fails when the file ends before its last page, as half a copy does.
func complete(db *bbolt.DB, handle *os.File) error {
	info, err := handle.Stat()
	if err != nil {
		return err
	}
	return db.View(func(tx *bbolt.Tx) error {
		if info.Size() < tx.Size() {
			return fmt.Errorf("it has %d bytes of at least %d", info.Size(), tx.Size())
		}
		return nil
	})
}

// settle makes the newest transaction in the file durable. It may not be, when a
// process was killed, or a sync failed, between writing the meta page that makes it
// the newest and the end of the sync. The next transaction may overwrite pages that
// the one before still needs; a crash then, with the meta page not on the disk,
// would leave neither. After a failed sync the system takes the page for clean, so
// another sync alone would not write it: write the same bytes again.
func settle(handle *os.File, pageSize int) error {
	metas := make([]byte, 2*pageSize)
	if _, err := handle.ReadAt(metas, 0); err != nil {
		return err
	}
	if _, err := handle.WriteAt(metas, 0); err != nil {
		return err
	}
	return handle.Sync()
}

// makeDir makes the directory and those above it, durably: a synced file is lost
// with a directory that was not.
func makeDir(dir string) error {
	parent := filepath.Dir(dir)
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o700)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // if it is no directory, opening the file will say so
	}
	if err != nil {
		return err
	}
	return syncDir(parent)
}

// syncDir makes the entries of a directory durable, where the system can.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // no handle of a directory can be flushed
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
