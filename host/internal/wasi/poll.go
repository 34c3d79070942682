package wasi

import (
	"encoding/binary"
	"time"
)

// poll_oneoff: a guest's only way to wait. There is nothing to wait for but
// time, descriptors are ready at once or not at all.

const (
	subscriptionSize = 48
	eventSize        = 32
	maxSubscriptions = 1024

	typeClock = 0
	typeRead  = 1
	typeWrite = 2

	absoluteTime = 1 // flag of a clock subscription
	hangup       = 1 // flag of a descriptor's event
)

// forever bounds what a guest may ask to sleep, in nanoseconds: a hundred years
// fit a time.Duration and outlast any deadline.
const forever = uint64(100 * 365 * 24 * time.Hour)

// event is the answer to one subscription.
type event struct {
	userdata uint64
	errno    errno
	typ      byte
	bytes    uint64 // that can be read
	flags    byte
	wait     time.Duration // until it is due; zero or less is now
}

func (k clocks) poll(c call) errno {
	n := c.u32(2)
	if n == 0 || n > maxSubscriptions {
		return eINVAL
	}
	in, ok := c.mem.array(c.u32(0), n, subscriptionSize)
	out, ok2 := c.mem.array(c.u32(1), n, eventSize)
	count, ok3 := c.mem.at(c.u32(3), 4)
	if !ok || !ok2 || !ok3 {
		return eFAULT
	}

	// All is read before anything is written: in and out may overlap.
	var few [4]event
	events := few[:0]
	now := time.Now()
	earliest := time.Duration(forever)
	for ; len(in) > 0; in = in[subscriptionSize:] {
		e, errno := k.subscription(c.env, in, now)
		if errno != success {
			return errno
		}
		events = append(events, e)
		earliest = min(earliest, e.wait)
	}
	if earliest > 0 {
		c.sleep(now.Add(earliest))
	}
	due := max(earliest, time.Since(now))

	var done uint32
	for _, e := range events {
		if e.wait > due {
			continue
		}
		b := out[:eventSize]
		out = out[eventSize:]
		clear(b)
		binary.LittleEndian.PutUint64(b, e.userdata)
		binary.LittleEndian.PutUint16(b[8:], uint16(e.errno))
		b[10] = e.typ
		binary.LittleEndian.PutUint64(b[16:], e.bytes)
		b[24] = e.flags
		done++
	}
	binary.LittleEndian.PutUint32(count, done)
	return success
}

// subscription reads one subscription and says what its event will be, and when.
func (k clocks) subscription(env Env, b []byte, now time.Time) (event, errno) {
	e := event{userdata: binary.LittleEndian.Uint64(b), typ: b[8]}
	id := binary.LittleEndian.Uint32(b[16:]) // of the clock or the descriptor
	switch e.typ {
	case typeClock:
		shown, errno := k.now(id, now)
		if errno != success {
			e.errno = errno
			return e, success
		}
		timeout := binary.LittleEndian.Uint64(b[24:])
		if flags := binary.LittleEndian.Uint16(b[40:]); flags&absoluteTime != 0 {
			timeout -= min(timeout, shown)
		}
		e.wait = time.Duration(min(timeout, forever))
	case typeRead:
		switch unread := env.Unread(); {
		case id != 0:
			e.errno = eBADF
		case unread == 0:
			e.flags = hangup
		default:
			e.bytes = uint64(unread)
		}
	case typeWrite:
		if id != 1 && id != 2 {
			e.errno = eBADF
		}
	default:
		return e, eINVAL
	}
	return e, success
}
