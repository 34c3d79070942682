package wasi

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

// Where the tests put subscriptions, events and their number.
const (
	subs   = 1024
	events = 4096
	count  = 8192
)

// clockSub writes a clock subscription.
func (g *guest) clockSub(i int, userdata uint64, clock uint32, timeout uint64, flags uint16) {
	b := g.mem[subs+i*subscriptionSize:]
	binary.LittleEndian.PutUint64(b, userdata)
	b[8] = typeClock
	binary.LittleEndian.PutUint32(b[16:], clock)
	binary.LittleEndian.PutUint64(b[24:], timeout)
	binary.LittleEndian.PutUint16(b[40:], flags)
}

// fdSub writes a descriptor subscription.
func (g *guest) fdSub(i int, userdata uint64, typ byte, fd uint32) {
	b := g.mem[subs+i*subscriptionSize:]
	binary.LittleEndian.PutUint64(b, userdata)
	b[8] = typ
	binary.LittleEndian.PutUint32(b[16:], fd)
}

type polled struct {
	userdata uint64
	errno    uint16
	typ      byte
	flags    uint16
}

func (g *guest) poll(t *testing.T, n int) []polled {
	t.Helper()
	g.want(t, success, "poll_oneoff", subs, events, uint64(n), count)
	var out []polled
	for i := range int(g.u32(count)) {
		b := g.mem[events+i*eventSize:]
		out = append(out, polled{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint16(b[8:]), b[10],
			binary.LittleEndian.Uint16(b[24:])})
	}
	return out
}

func TestPollSleepsUntilTheEarliest(t *testing.T) {
	g := newGuest()
	g.clockSub(0, 11, monotonic, uint64(2*time.Hour), 0)
	g.clockSub(1, 22, realtime, uint64(time.Hour), 0)
	before := time.Now()
	got := g.poll(t, 2)
	if len(got) != 1 || got[0] != (polled{userdata: 22}) {
		t.Errorf("events are %v", got)
	}
	if len(g.slept) != 1 || g.slept[0].Before(before.Add(time.Hour)) || g.slept[0].After(time.Now().Add(time.Hour)) {
		t.Errorf("slept until %v", g.slept)
	}
}

func TestPollAbsoluteTimes(t *testing.T) {
	at := time.Now().Add(time.Hour)
	g := newGuest()
	g.clockSub(0, 1, realtime, uint64(at.UnixNano()), absoluteTime)
	if got := g.poll(t, 1); len(got) != 1 || got[0].userdata != 1 {
		t.Errorf("events are %v", got)
	}
	if d := g.slept[0].Sub(at).Abs(); d > time.Second {
		t.Errorf("slept until %v, want %v", g.slept[0], at)
	}
	// The monotonic clock of these functions has just started, at one second.
	g = newGuest()
	g.clockSub(0, 2, monotonic, uint64(time.Hour+time.Second), absoluteTime)
	g.poll(t, 1)
	if d := time.Until(g.slept[0]) - time.Hour; d.Abs() > time.Minute {
		t.Errorf("slept until %v, want an hour from now", g.slept[0])
	}
	// Times that have passed do not sleep.
	g = newGuest()
	g.clockSub(0, 3, realtime, uint64(at.Add(-2*time.Hour).UnixNano()), absoluteTime)
	g.clockSub(1, 4, monotonic, 0, absoluteTime)
	g.clockSub(2, 5, monotonic, 0, 0)
	g.clockSub(3, 6, monotonic, uint64(time.Hour), 0)
	if got := g.poll(t, 4); len(got) != 3 || got[2].userdata != 5 || len(g.slept) != 0 {
		t.Errorf("events are %v, slept %v", got, g.slept)
	}
}

func TestPollHugeTimeouts(t *testing.T) {
	g := newGuest()
	g.clockSub(0, 1, monotonic, 1<<64-1, 0)
	g.clockSub(1, 2, realtime, 1<<64-1, absoluteTime)
	g.poll(t, 2)
	if len(g.slept) != 1 || g.slept[0].Before(time.Now().AddDate(99, 0, 0)) {
		t.Errorf("slept until %v", g.slept)
	}
}

func TestPollDescriptors(t *testing.T) {
	g := newGuest()
	g.fdSub(0, 1, typeWrite, 1)
	g.fdSub(1, 2, typeWrite, 2)
	g.fdSub(2, 3, typeRead, 0)
	g.fdSub(3, 4, typeRead, 1)
	g.fdSub(4, 5, typeWrite, 0)
	g.fdSub(5, 6, typeRead, 3)
	g.clockSub(6, 7, monotonic, uint64(time.Hour), 0)
	g.clockSub(7, 8, 2, 0, 0)
	g.clockSub(8, 9, 9, 0, 0)
	got := g.poll(t, 9)
	want := []polled{
		{1, 0, typeWrite, 0}, {2, 0, typeWrite, 0}, {3, 0, typeRead, hangup},
		{4, uint16(eBADF), typeRead, 0}, {5, uint16(eBADF), typeWrite, 0}, {6, uint16(eBADF), typeRead, 0},
		{8, uint16(eNOTSUP), typeClock, 0}, {9, uint16(eINVAL), typeClock, 0},
	}
	if len(got) != len(want) {
		t.Fatalf("events are %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("event %d is %v, want %v", i, got[i], want[i])
		}
	}
	if len(g.slept) != 0 {
		t.Error("it slept although something was ready")
	}
}

func TestPollEndsAtTheDeadline(t *testing.T) {
	g := newGuest()
	g.stop = errors.New("over")
	g.clockSub(0, 1, monotonic, uint64(time.Hour), 0)
	if err := caught(func() { g.call(t, "poll_oneoff", subs, events, 1, count) }); err != g.stop {
		t.Errorf("it ended with %v", err)
	}
}

func TestPollBadParameters(t *testing.T) {
	g := newGuest()
	g.clockSub(0, 1, monotonic, uint64(time.Hour), 0)
	g.want(t, eINVAL, "poll_oneoff", subs, events, 0, count)
	g.want(t, eINVAL, "poll_oneoff", subs, events, maxSubscriptions+1, count)
	g.want(t, eINVAL, "poll_oneoff", subs, events, 1<<32-1, count)
	g.want(t, eFAULT, "poll_oneoff", end-subscriptionSize+1, events, 1, count)
	g.want(t, eFAULT, "poll_oneoff", subs, end-eventSize+1, 1, count)
	g.want(t, eFAULT, "poll_oneoff", subs, events, 1, end-3)
	g.want(t, eFAULT, "poll_oneoff", 1<<32-1, events, 1, count)
	g.mem[subs+8] = 3
	g.want(t, eINVAL, "poll_oneoff", subs, events, 1, count)
	if len(g.slept) != 0 {
		t.Error("it slept before it checked")
	}
}

// Events written over the subscriptions they answer.
func TestPollInPlace(t *testing.T) {
	g := newGuest()
	for i := range 3 {
		g.clockSub(i, uint64(i)+1, monotonic, 0, 0)
	}
	g.want(t, success, "poll_oneoff", subs, subs, 3, count)
	for i := range 3 {
		if got := g.u64(subs + i*eventSize); got != uint64(i)+1 {
			t.Errorf("event %d is for %d", i, got)
		}
	}
}
