package sandbox

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/tetratelabs/wazero/api"
)

// snapshot is an instance as initialisation has left it: what every request
// starts from. Its pool and each instance hold it.
type snapshot struct {
	image  image
	values []uint64 // of the globals, in the order of Instance.globals
	refs   atomic.Int64
}

// capture takes a snapshot of an instance that has been initialised. The caller
// holds it.
func capture(i *Instance) (*snapshot, error) {
	img, err := i.code.runtime.space.capture(i.memory.buf)
	if err != nil {
		return nil, err
	}
	s := &snapshot{image: img}
	s.refs.Store(1)
	for _, g := range i.globals {
		if s.values, err = g.save(s.values); err != nil {
			s.drop()
			return nil, err
		}
	}
	return s, nil
}

// hold keeps the snapshot until drop. It fails when nobody holds it any more.
func (s *snapshot) hold() bool {
	for {
		n := s.refs.Load()
		if n == 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *snapshot) drop() {
	if s.refs.Add(-1) == 0 {
		s.image.free()
	}
}

// attach gives an instance the snapshot's contents, to be reset to later. It
// holds the snapshot from then on. On an error it must not be used.
func (s *snapshot) attach(i *Instance) error {
	if !s.hold() {
		return ErrClosed
	}
	i.snapshot = s
	buf, err := i.memory.region.attach(s.image)
	if err != nil {
		return err
	}
	if err := i.memory.become(i.module.Memory(), buf); err != nil {
		return err
	}
	return s.restoreGlobals(i.globals)
}

func (s *snapshot) restoreGlobals(globals []global) (err error) {
	values := s.values
	for _, g := range globals {
		if values, err = g.restore(values); err != nil {
			return err
		}
	}
	return nil
}

// restore puts memory, as it was left at a moment, back to the image.
func (m *memory) restore(engine api.Memory, keep int, written moment) error {
	buf, err := m.region.restore(m.buf, keep, written)
	if err != nil {
		return err
	}
	return m.become(engine, buf)
}

var errNotMoved = errors.New("the engine did not take the memory back")

// become makes the engine take buf for its memory. The public way to do that is
// to ask for growth and to answer with another slice; a module's maximum is
// raised by a page so that this is never refused.
func (m *memory) become(engine api.Memory, buf []byte) error {
	if len(buf) == len(m.buf) && (len(buf) == 0 || &buf[0] == &m.buf[0]) {
		return nil
	}
	m.next = buf
	if _, ok := engine.Grow(1); !ok || m.next != nil || int(engine.Size()) != len(buf) {
		m.next = nil
		return fmt.Errorf("%w: %d bytes", errNotMoved, len(buf))
	}
	return nil
}
