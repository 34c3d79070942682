package kv

import (
	"bytes"
	"context"
	"sync"
)

// memory is the store that lasts as long as the process.
type memory struct {
	mu     sync.RWMutex       // guards what follows
	spaces map[string]*sorted // nil once closed
}

// NewMemory returns an empty store that lives in memory only, for tests and runs
// whose data may go. It has no limit on the sum of what it holds.
func NewMemory() Store {
	return &memory{spaces: make(map[string]*sorted)}
}

func (m *memory) Keyspace(name string) Keyspace {
	s := &memorySpace{store: m, name: name}
	s.edits = edits{s.edit}
	return s
}

func (m *memory) Health() error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.spaces == nil {
		return ErrClosed
	}
	return nil
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spaces = nil
	return nil
}

type memorySpace struct {
	edits
	store *memory
	name  string
}

func (s *memorySpace) Get(ctx context.Context, dst, key []byte) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return dst, err
	}
	return s.read(ctx, dst, func(pairs *sorted) ([]byte, bool) {
		at, found := pairs.find(key)
		if !found {
			return nil, false
		}
		return pairs.chunks[at.chunk][at.index].value, true
	})
}

func (s *memorySpace) Next(ctx context.Context, dst, prefix, after []byte) ([]byte, error) {
	if err := checkRange(prefix, after); err != nil {
		return dst, err
	}
	return s.read(ctx, dst, func(pairs *sorted) ([]byte, bool) {
		start := prefix
		if len(after) > 0 && bytes.Compare(after, prefix) >= 0 {
			start = after
		}
		at, found := pairs.find(start)
		if found && len(after) > 0 && bytes.Equal(start, after) {
			at.index++
		}
		p, ok := pairs.at(at)
		return p.key, ok && bytes.HasPrefix(p.key, prefix)
	})
}

// read appends what find finds to dst.
func (s *memorySpace) read(ctx context.Context, dst []byte, find func(*sorted) ([]byte, bool)) ([]byte, error) {
	if err := checkKeyspace(s.name); err != nil {
		return dst, err
	}
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	if s.store.spaces == nil {
		return dst, ErrClosed
	}
	pairs := s.store.spaces[s.name]
	if pairs == nil {
		return dst, ErrAbsent
	}
	if found, ok := find(pairs); ok {
		return append(dst, found...), nil
	}
	return dst, ErrAbsent
}

func (s *memorySpace) edit(ctx context.Context, e *edit) error {
	if err := checkKeyspace(s.name); err != nil {
		return err
	}
	if err := e.check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.store.spaces == nil {
		return ErrClosed
	}
	pairs := s.store.spaces[s.name]
	if pairs == nil {
		pairs = &sorted{}
	}
	at, present := pairs.find(e.key)
	var value []byte
	if present {
		value = pairs.chunks[at.chunk][at.index].value
	}
	switch e.decide(value, present) {
	case store:
		s.store.spaces[s.name] = pairs
		pairs.set(bytes.Clone(e.key), bytes.Clone(e.value))
	case remove:
		pairs.remove(at)
	}
	return e.err
}
