package kv

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"go.etcd.io/bbolt"
)

// embedded is the store in one bbolt file, a bucket for each keyspace. Reads run
// in the caller's goroutine; writes go through the committer.
type embedded struct {
	file      *file
	committer *committer
	close     func() error // once
}

// OpenEmbedded opens the store in the file at path. A file that is not there is
// made with mode 0600, and the directories above it with mode 0700.
//
// Only one process can hold the file. While another does, OpenEmbedded waits for
// about a second and then fails. What it returns on failure names the file and
// what to do.
//
// After an I/O error the store tries the file again with later operations: it
// comes back by itself when the cause is gone.
func OpenEmbedded(path string) (Store, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	s := &embedded{file: f, committer: startCommitter(f)}
	s.close = sync.OnceValue(func() error {
		s.committer.stop()
		return s.file.close()
	})
	return s, nil
}

func (s *embedded) Keyspace(name string) Keyspace {
	k := &embeddedSpace{store: s, name: []byte(name), err: checkKeyspace(name)}
	k.edits = edits{k.edit}
	return k
}

func (s *embedded) Health() error { return s.file.health() }

func (s *embedded) Close() error { return s.close() }

type embeddedSpace struct {
	edits
	store *embedded
	name  []byte // the bucket; never changed
	err   error  // what is wrong with the name
}

func (k *embeddedSpace) Get(ctx context.Context, dst, key []byte) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return dst, err
	}
	return k.read(ctx, dst, func(b *bbolt.Bucket) ([]byte, bool) {
		value := b.Get(key)
		return value, value != nil
	})
}

func (k *embeddedSpace) Next(ctx context.Context, dst, prefix, after []byte) ([]byte, error) {
	if err := checkRange(prefix, after); err != nil {
		return dst, err
	}
	return k.read(ctx, dst, func(b *bbolt.Bucket) ([]byte, bool) {
		start := prefix
		if len(after) > 0 && bytes.Compare(after, prefix) >= 0 {
			start = after
		}
		c := b.Cursor()
		key, _ := c.Seek(start)
		if len(after) > 0 && bytes.Equal(key, after) {
			key, _ = c.Next()
		}
		return key, key != nil && bytes.HasPrefix(key, prefix)
	})
}

// read appends what find finds to dst. What find returns belongs to the
// transaction and is gone after it.
func (k *embeddedSpace) read(ctx context.Context, dst []byte, find func(*bbolt.Bucket) ([]byte, bool)) ([]byte, error) {
	if k.err != nil {
		return dst, k.err
	}
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	result := dst
	err := k.store.file.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(k.name)
		if b == nil {
			return ErrAbsent
		}
		found, ok := find(b)
		if !ok {
			return ErrAbsent
		}
		result = append(dst, found...)
		return nil
	})
	if err != nil {
		return dst, err
	}
	return result, nil
}

func (k *embeddedSpace) edit(ctx context.Context, e *edit) error {
	if k.err != nil {
		return k.err
	}
	if err := e.check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return k.store.committer.commit(ctx, k.name, e)
}

// apply does the edit in tx, sets its result, and reports whether anything
// changed. bbolt keeps e.value until the transaction ends, and would read a nil
// one back as absent: a ticket's is never nil.
func apply(tx *bbolt.Tx, space []byte, e *edit) (changed bool) {
	b := tx.Bucket(space)
	var value []byte
	if b != nil && e.kind != kindSet { // Put finds its own way
		value = b.Get(e.key)
	}
	var err error
	switch e.decide(value, value != nil) {
	case leave:
		return false
	case store:
		if b == nil {
			if b, err = tx.CreateBucket(space); err != nil {
				break
			}
		}
		err = b.Put(e.key, e.value)
	case remove:
		err = b.Delete(e.key)
	}
	if err != nil {
		// bbolt refuses before it changes anything, so the rest may go on.
		e.err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		return false
	}
	return true
}
