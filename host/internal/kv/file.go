package kv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// file is a bbolt file that outlives trouble. bbolt itself does not: after a
// failed remap it has no mapping any more, after a panic its list of free pages is
// unknown, and after a failed sync it builds on a meta page that may not be on the
// disk. So a write that fails closes the file, and a later operation opens it anew.
type file struct {
	path   string
	commit func(*bbolt.Tx) error // (*bbolt.Tx).Commit; tests make it fail

	mu    sync.Mutex  // guards what follows; held while a transaction begins, not while it runs
	db    *bbolt.DB   // nil: not open
	as    fs.FileInfo // what db was opened as
	why   error       // why db is nil
	retry time.Time   // when to open it again; zero: never
}

// broken is what a panic of bbolt means.
const broken = "damaged, or its disk fails; put a copy back in its place and restart"

// retryAfter is how long operations fail at once after opening has failed.
const retryAfter = time.Second

func openFile(path string) (*file, error) {
	db, as, err := open(path, true, lockWait)
	if err != nil {
		return nil, err
	}
	return &file{path: path, commit: (*bbolt.Tx).Commit, db: db, as: as}, nil
}

// view runs fn in a read transaction. Its error is fn's own, or ErrUnavailable.
//
// A damaged page makes bbolt panic, and a page that the disk cannot read, or that
// is past the end of a truncated file, is a memory fault in the mapping, which
// would end the process. Both become errors.
func (f *file) view(fn func(*bbolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	tx, err := f.begin(false)
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = f.unavailable(broken, panicked(p))
		}
		_ = tx.Rollback() // how reads end
	}()
	return fn(tx)
}

// update runs fn in a write transaction and commits it if fn reports a change.
// Nil means that all of it is durable; otherwise the error is ErrUnavailable and
// all of it is undone, or, if the very last sync failed, perhaps not.
//
// There is one goroutine that calls update, and it has SetPanicOnFault on.
func (f *file) update(fn func(*bbolt.Tx) (changed bool)) (err error) {
	tx, err := f.begin(true)
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = f.unavailable(broken, panicked(p))
		} else if err != nil {
			err = f.unavailable("cannot write", err)
		}
		if err != nil {
			f.abandon(tx, err)
		}
	}()
	if err := f.inPlace(); err != nil {
		return err
	}
	if !fn(tx) {
		return tx.Rollback()
	}
	return f.commit(tx)
}

// errMoved means that nobody would find again what is written.
var errMoved = errors.New("the file was moved, replaced or removed while it was open")

// inPlace returns an error when the path leads to another file than the one that is
// open, or to none: what is written there ends with the process.
func (f *file) inPlace() error {
	f.mu.Lock()
	as := f.as
	f.mu.Unlock()
	now, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(as, now) {
		return errMoved
	}
	return nil // if it cannot be told, it is not said
}

// begin starts a transaction, opening the file first if it is not open.
func (f *file) begin(writable bool) (tx *bbolt.Tx, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.db == nil {
		if f.retry.IsZero() || time.Now().Before(f.retry) {
			return nil, f.why
		}
		db, as, err := open(f.path, false, 0)
		if err != nil {
			f.why = fmt.Errorf("%w: %w", ErrUnavailable, err)
			f.retry = time.Now().Add(retryAfter)
			if errors.Is(err, errDamaged) {
				f.retry = time.Time{}
			}
			return nil, f.why
		}
		f.db, f.as = db, as
	}
	defer func() {
		if p := recover(); p != nil {
			err = f.lose(panicked(p))
		}
	}()
	tx, err = f.db.Begin(writable)
	if err != nil {
		return nil, f.unavailable("cannot begin", err)
	}
	return tx, nil
}

// abandon ends a transaction that has failed, and closes the file.
func (f *file) abandon(tx *bbolt.Tx, cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.db == nil {
		return // a read has lost it meanwhile
	}
	defer func() {
		if p := recover(); p != nil {
			_ = f.lose(panicked(p))
		}
	}()
	_ = tx.Rollback() // most failures of a commit have already done it
	_ = f.db.Close()  // waits for the reads under way; its own error adds nothing to cause
	f.db, f.why, f.retry = nil, cause, time.Now()
}

// lose gives the file up for good: bbolt panicked with its locks held, so that
// whatever touched it again would hang. It takes both meta pages to be unreadable,
// as when another program overwrites the file. The caller holds f.mu.
func (f *file) lose(cause error) error {
	f.db, f.retry = nil, time.Time{}
	f.why = f.unavailable(broken, cause)
	return f.why
}

// health returns why nothing can be read or written. A file that is not open is tried
// again: with no requests there would be no operation to do so.
func (f *file) health() error {
	return f.view(func(*bbolt.Tx) error {
		if err := f.inPlace(); err != nil {
			return f.unavailable("cannot write", err)
		}
		return nil
	})
}

// close closes the file for good, after the reads under way.
func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	db := f.db
	f.db, f.why, f.retry = nil, ErrClosed, time.Time{}
	if db == nil {
		return nil
	}
	if err := db.Close(); err != nil {
		return fmt.Errorf("%s: closing: %w", f.path, err)
	}
	return nil
}

func (f *file) unavailable(what string, cause error) error {
	return fmt.Errorf("%w: %s: %s: %w", ErrUnavailable, f.path, what, cause)
}

// panicked makes an error of what recover returned.
func panicked(p any) error {
	switch p := p.(type) {
	case interface{ Addr() uintptr }: // what SetPanicOnFault makes of a fault
		return errors.New("a page of it cannot be read")
	case error:
		return p
	}
	return fmt.Errorf("%v", p)
}
