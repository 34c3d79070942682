package kv

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/kv/redistest"
)

// refusal is the error of a store with these options, once it has told of it.
func refusal(t *testing.T, o RedisOptions) (*redis, *changes, error) {
	t.Helper()
	told := new(changes)
	o.Changed = told.add
	s := openRedisAt(t, o)
	_, err := s.Keyspace("a").Get(t.Context(), nil, []byte("k"))
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrReported) {
		t.Fatalf("it answers %v", err)
	}
	if all := told.all(); len(all) != 1 || s.Health() == nil {
		t.Errorf("it told %q, health %v", all, s.Health())
	}
	return s, told, err
}

// works waits until the store serves.
func works(t *testing.T, s Store) {
	t.Helper()
	space := s.Keyspace("a")
	until(t, "the store to work", func() bool { return space.Set(t.Context(), []byte("works"), nil) == nil })
	until(t, "it to say so", func() bool { return s.Health() == nil })
}

func TestRedisPassword(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "hunter2")
	at := []string{server.Addr}
	works(t, openRedisAt(t, RedisOptions{Addresses: at, Password: "hunter2"}))

	_, _, err := refusal(t, RedisOptions{Addresses: at})
	if !strings.Contains(err.Error(), "NOAUTH") || !strings.Contains(err.Error(), "store.url") {
		t.Error(err)
	}
	s, told, err := refusal(t, RedisOptions{Addresses: at, Password: "wrong-secret"})
	if !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "wrong-secret") {
		t.Error(err)
	}
	server.Do(t, "-a", "hunter2", "CONFIG", "SET", "requirepass", "wrong-secret")
	works(t, s)
	if all := told.all(); len(all) != 2 || all[1] != "back" {
		t.Errorf("it told %q", all)
	}

	server.Do(t, "-a", "wrong-secret", "ACL", "SETUSER", "lane", "on", ">p@ss", "~wasmlane:*", "+@hash", "+@sortedset", "+@scripting", "+@connection")
	testStoreBriefly(t, openRedisAt(t, RedisOptions{Addresses: at, User: "lane", Password: "p@ss"}))
	server.Do(t, "-a", "wrong-secret", "ACL", "SETUSER", "reader", "on", ">p", "~wasmlane:*", "+@read", "+@connection")
	if _, _, err := refusalOfWrites(t, RedisOptions{Addresses: at, User: "reader", Password: "p"}); !strings.Contains(err.Error(), "NOPERM") {
		t.Error(err)
	}
}

// TestRedisRepeatsPassword: a server that does not know a command answers with its
// arguments, a proxy or an impostor with what it likes. The password is not passed on.
func TestRedisRepeatsPassword(t *testing.T) {
	const password = "hunter2hunter2"
	for name, answer := range map[string]string{
		"arguments":     "-ERR unknown command 'AUTH', with args beginning with: '" + password + "'\r\n",
		"cut arguments": "-ERR unknown command 'AUTH', with args beginning with: '" + password[:10] + "\r\n",
		"within":        "-ERR no such user as " + password + " here\r\n",
		"at the cut":    "-ERR " + strings.Repeat("x", 190) + password + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			addr := liar(t, func(c net.Conn) {
				for b := make([]byte, 4096); ; {
					if _, err := c.Read(b); err != nil {
						return
					}
					if _, err := c.Write([]byte(answer)); err != nil {
						return
					}
				}
			})
			for _, o := range []RedisOptions{
				{Addresses: []string{addr}, Password: password},
				{Addresses: []string{addr}, Password: password, Master: "m"},
			} {
				s := openRedisAt(t, o)
				_, err := s.Keyspace("a").Get(t.Context(), nil, []byte("k"))
				if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), password[:8]) {
					t.Errorf("with master %q: %v", o.Master, err)
				}
			}
		})
	}
	s := openRedisAt(t, RedisOptions{Addresses: []string{liar(t, replay("+the password is "+password+"\r\n"))}, Password: password})
	if _, err := s.Keyspace("a").Add(t.Context(), []byte("k"), 1); !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), password) {
		t.Error(err)
	}
}

// TestRedisLongAnswer: what a server answers does not fill the log.
func TestRedisLongAnswer(t *testing.T) {
	answer := fmt.Sprintf("$%d\r\n%s\r\n", 1<<20, strings.Repeat("x", 1<<20))
	s := openRedisAt(t, RedisOptions{Addresses: []string{liar(t, replay(answer))}})
	if _, err := s.Keyspace("a").Add(t.Context(), []byte("k"), 1); !errors.Is(err, ErrUnavailable) || len(err.Error()) > 400 {
		t.Errorf("an error of %d bytes: %.500v", len(err.Error()), err)
	}
}

// TestRedisTLSMismatch: one side speaks TLS and the other does not. The error says
// what to write.
func TestRedisTLSMismatch(t *testing.T) {
	plain := redistest.Start(t)
	_, _, err := refusal(t, RedisOptions{Addresses: []string{plain.Addr}, TLS: &tls.Config{InsecureSkipVerify: true}})
	if !strings.Contains(err.Error(), "begin store.url with redis, not rediss") {
		t.Error(err)
	}
	for name, do := range map[string]func(net.Conn){
		"alert": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1))
			_, _ = c.Write([]byte("\x15\x03\x01\x00\x02\x02\x46"))
		},
		"closes": func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) },
	} {
		_, _, err := refusal(t, RedisOptions{Addresses: []string{liar(t, do)}})
		if !strings.Contains(err.Error(), "begin store.url with rediss") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// refusalOfWrites is about a server that serves reads only.
func refusalOfWrites(t *testing.T, o RedisOptions) (*redis, *changes, error) {
	t.Helper()
	told := new(changes)
	o.Changed = told.add
	s := openRedisAt(t, o)
	if _, err := s.Keyspace("a").Get(t.Context(), nil, []byte("k")); !errors.Is(err, ErrAbsent) {
		t.Errorf("a read: %v", err)
	}
	err := s.Keyspace("a").Set(t.Context(), []byte("k"), nil)
	if !errors.Is(err, ErrUnavailable) || s.Health() == nil || len(told.all()) != 1 {
		t.Fatalf("a write: %v; health %v; told %q", err, s.Health(), told.all())
	}
	return s, told, err
}

// testStoreBriefly does each operation once.
func testStoreBriefly(t *testing.T, s Store) {
	t.Helper()
	for _, op := range operations(s.Keyspace("brief")) {
		if err := op.do(t.Context()); err != nil {
			t.Errorf("%s: %v", op.name, err)
		}
	}
}

func TestRedisNoSuchDatabase(t *testing.T) {
	server := redistest.Start(t)
	_, _, err := refusal(t, RedisOptions{Addresses: []string{server.Addr}, Database: 99})
	if !strings.Contains(err.Error(), "DB index is out of range") {
		t.Error(err)
	}
}

// TestRedisRisk: a server that may lose what it has acknowledged is told of once.
func TestRedisRisk(t *testing.T) {
	safe := redistest.Start(t, "--appendonly", "yes")
	unsafe := redistest.Start(t, "--maxmemory-policy", "allkeys-lru")
	var told changes
	open := func(server *redistest.Server) {
		works(t, openRedisAt(t, RedisOptions{Addresses: []string{server.Addr}, Risk: func(why string) { told.add(errors.New(why)) }}))
	}
	open(safe)
	open(unsafe)
	until(t, "the warning", func() bool { return len(told.all()) > 0 })
	if all := told.all(); len(all) != 1 || !strings.Contains(all[0], "appendonly") || !strings.Contains(all[0], "allkeys-lru") {
		t.Errorf("it told %q", all)
	}
}

// TestRedisReplica: a replica serves reads, and the store is not ready.
func TestRedisReplica(t *testing.T) {
	server := redistest.Start(t)
	server.Do(t, "REPLICAOF", "127.0.0.1", "1")
	s, told, err := refusalOfWrites(t, RedisOptions{Addresses: []string{server.Addr}})
	if !strings.Contains(err.Error(), "READONLY") {
		t.Error(err)
	}
	// Looking for another server disturbs nobody.
	for end := time.Now().Add(2 * retryMost); time.Now().Before(end); {
		if _, err := s.Keyspace("a").Get(t.Context(), nil, []byte("k")); !errors.Is(err, ErrAbsent) {
			t.Fatalf("a read: %v", err)
		}
	}
	server.Do(t, "REPLICAOF", "NO", "ONE")
	works(t, s)
	if all := told.all(); len(all) != 2 || all[1] != "back" {
		t.Errorf("it told %q", all)
	}
}

// TestRedisNameMoves: when the server becomes a replica and its name leads to
// another one, the store goes there.
func TestRedisNameMoves(t *testing.T) {
	first, second := redistest.Start(t), redistest.Start(t)
	var at atomic.Pointer[string]
	at.Store(&first.Addr)
	name := liar(t, func(c net.Conn) {
		to, err := net.Dial("tcp", *at.Load())
		if err != nil {
			return
		}
		defer to.Close()
		go func() { _, _ = io.Copy(to, c); to.Close() }()
		_, _ = io.Copy(c, to)
	})
	s := openRedisAt(t, RedisOptions{Addresses: []string{name}})
	works(t, s)
	at.Store(&second.Addr)
	first.Do(t, "REPLICAOF", "127.0.0.1", "1")
	space := s.Keyspace("a")
	until(t, "a write to the other server", func() bool { return space.Set(t.Context(), []byte("k"), []byte("1")) == nil })
	if got := second.Do(t, "HGET", "wasmlane:{a}:values", "k"); got != "1" {
		t.Errorf("the other server has %q", got)
	}
	until(t, "the old connection to end", func() bool { return !strings.Contains(first.Do(t, "CLIENT", "LIST"), "name=wasmlane") })
}

// TestRedisComesLater: with no server every operation answers at once, and when
// there is one the store finds it. It tells once of either.
func TestRedisComesLater(t *testing.T) {
	server := redistest.Start(t)
	server.Kill()
	s, told, err := refusal(t, RedisOptions{Addresses: []string{server.Addr}})
	if !strings.Contains(err.Error(), server.Addr) || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
	for range 100 {
		for _, op := range operations(s.Keyspace("a")) {
			if err := op.do(t.Context()); !errors.Is(err, ErrReported) {
				t.Fatalf("%s: %v", op.name, err)
			}
		}
	}
	server.Restart(t)
	works(t, s)
	if all := told.all(); len(all) != 2 || all[1] != "back" {
		t.Errorf("it told %q", all)
	}
}

// TestRedisKilled kills the server again and again in the middle of writes. It
// syncs each write before it answers, so nothing that was acknowledged is lost, and
// no addition counts twice.
func TestRedisKilled(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	var told changes
	s := openRedisAt(t, RedisOptions{Addresses: []string{server.Addr}, Changed: told.add})
	space := s.Keyspace("a")
	const writers = 16
	var stop atomic.Bool
	var wrote, added, unsure atomic.Int64
	acknowledged := make([]map[string]bool, writers)
	var wg sync.WaitGroup
	for w := range writers {
		acknowledged[w] = map[string]bool{}
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				key := fmt.Sprintf("%d-%d", w, i)
				err := space.Set(t.Context(), []byte(key), []byte(key))
				if err == nil {
					acknowledged[w][key] = true
					wrote.Add(1)
				}
				if _, e := space.Add(t.Context(), []byte("sum"), 1); e == nil {
					added.Add(1)
				} else {
					unsure.Add(1)
					err = e
				}
				if err != nil {
					if !errors.Is(err, ErrUnavailable) {
						t.Error(err)
						return
					}
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	const rounds = 3
	for range rounds {
		goal := wrote.Load() + 300
		until(t, "some writes", func() bool { return wrote.Load() >= goal || t.Failed() })
		server.Kill()
		// It may tell of more, when a disk or the machine stands still for some seconds.
		until(t, "the store to notice", func() bool { return s.Health() != nil })
		server.Restart(t)
		works(t, s)
	}
	stop.Store(true)
	wg.Wait()
	works(t, s)
	for _, keys := range acknowledged {
		for key := range keys {
			value, err := space.Get(t.Context(), nil, []byte(key))
			if err != nil || string(value) != key {
				t.Errorf("lost %s: %q, %v", key, value, err)
			}
		}
	}
	sum, err := space.Add(t.Context(), []byte("sum"), 0)
	if err != nil || sum < added.Load() || sum > added.Load()+unsure.Load() {
		t.Errorf("the sum is %d, %v; %d additions were acknowledged and %d were not", sum, err, added.Load(), unsure.Load())
	}
	values, keys := redisKeys("a")
	if h, z := server.Do(t, "HLEN", values), server.Do(t, "ZCARD", keys); h != z {
		t.Errorf("%s values and %s keys in the index", h, z)
	}
	until(t, "all to be told", func() bool { return len(told.all()) >= 2*rounds })
	for i, text := range told.all() {
		if (text == "back") != (i%2 == 1) {
			t.Errorf("it told %q", told.all())
		}
	}
}

// TestRedisPaused: a server that stops answering holds nobody for longer than his
// deadline, and those without one for some seconds. After that nobody waits, until
// it answers again.
func TestRedisPaused(t *testing.T) {
	server := redistest.Start(t)
	var told changes
	s := openRedisAt(t, RedisOptions{Addresses: []string{server.Addr}, Changed: told.add})
	works(t, s)
	space := s.Keyspace("a")
	server.Pause(t)
	paused := time.Now()
	var wg sync.WaitGroup
	// More than fit into the connection's queue.
	for range 3 * maxInFlight {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := space.Get(ctx, nil, []byte("k"))
			if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrUnavailable) {
				t.Errorf("with a deadline: %v", err)
			}
		})
	}
	for range 10 {
		wg.Go(func() {
			if err := space.Set(t.Context(), []byte("k"), nil); !errors.Is(err, ErrUnavailable) {
				t.Errorf("without a deadline: %v", err)
			}
		})
	}
	wg.Wait()
	if took := time.Since(paused); took > patience {
		t.Errorf("the last one waited for %v", took)
	}
	until(t, "the store to go down", func() bool { return s.Health() != nil })
	before := len(told.all())
	for range 1000 {
		if err := space.Set(t.Context(), []byte("k"), nil); !errors.Is(err, ErrReported) {
			t.Fatalf("while it is paused: %v", err)
		}
	}
	if all := told.all(); len(all) != before {
		t.Errorf("it told %q", all)
	}
	server.Resume(t)
	works(t, s)
}

// TestRedisCanceled: a canceled operation returns while the server is still silent.
func TestRedisCanceled(t *testing.T) {
	server := redistest.Start(t)
	s := openRedisAt(t, RedisOptions{Addresses: []string{server.Addr}})
	works(t, s)
	server.Pause(t)
	defer server.Resume(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Keyspace("a").Set(ctx, []byte("k"), nil) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestRedisCloseWhilePaused: closing ends soon, and everybody has an answer.
func TestRedisCloseWhilePaused(t *testing.T) {
	server := redistest.Start(t)
	s := openRedisAt(t, RedisOptions{Addresses: []string{server.Addr}})
	works(t, s)
	server.Pause(t)
	defer server.Resume(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := s.Keyspace("a").Set(t.Context(), []byte("k"), nil); !errors.Is(err, ErrUnavailable) {
				t.Error(err)
			}
		})
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// liar listens and has do answer each connection.
func liar(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				do(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

// greet answers the handshake as a server of version 7 does.
func greet(c net.Conn) error {
	b := make([]byte, 4096)
	if _, err := c.Read(b); err != nil {
		return err
	}
	_, err := c.Write([]byte("%3\r\n+server\r\n+redis\r\n+version\r\n+7.0.0\r\n+proto\r\n:3\r\n"))
	return err
}

// replay answers whatever comes with text.
func replay(text string) func(net.Conn) {
	return func(c net.Conn) {
		if greet(c) != nil {
			return
		}
		b := make([]byte, 4096)
		for {
			if _, err := c.Read(b); err != nil {
				return
			}
			if _, err := c.Write([]byte(text)); err != nil {
				return
			}
		}
	}
}

// endless answers with begin, and then more for ever.
func endless(begin, more string) func(net.Conn) {
	return func(c net.Conn) {
		if greet(c) != nil {
			return
		}
		b := make([]byte, 4096)
		if _, err := c.Read(b); err != nil {
			return
		}
		_, err := c.Write([]byte(begin))
		for text := []byte(strings.Repeat(more, 1+4096/len(more))); err == nil; {
			_, err = c.Write(text)
		}
	}
}

// TestRedisLiars: whatever is at the other end, operations answer ErrUnavailable, in
// time, and the process lives.
func TestRedisLiars(t *testing.T) {
	for name, do := range map[string]func(net.Conn){
		"closes at once":      func(net.Conn) {},
		"never answers":       func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"web server":          func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) },
		"noise":               endless("", "\x00\xff garbage "),
		"no end of line":      endless("+", "a"),
		"error without end":   endless("-ERR ", "a"),
		"huge value":          replay("$9223372036854775807\r\n"),
		"large value":         replay("$1000000000\r\nabc"),
		"negative value":      replay("$-2\r\n"),
		"endless array":       endless("*2147483647\r\n", ":1\r\n"),
		"huge array":          replay("*9223372036854775807\r\n"),
		"nested arrays":       endless("", "*1\r\n"),
		"endless answers":     endless("", ":1\r\n"),
		"push":                replay(">2\r\n+invalidate\r\n*0\r\n"),
		"subscription":        replay(">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
		"two for one":         replay(":1\r\n:1\r\n"),
		"attribute":           replay("|1\r\n+a\r\n+b\r\n:1\r\n"),
		"string in pieces":    replay("$?\r\n;4\r\nabcd\r\n;0\r\n"),
		"half an answer":      func(c net.Conn) { _ = greet(c); _, _ = c.Read(make([]byte, 4096)); _, _ = c.Write([]byte("$5\r\nab")) },
		"half, and then none": replay("$5\r\nab"),
		"half a greeting":     func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)); _, _ = c.Write([]byte("%3\r\n+server\r\n")) },
		"error":               replay("-ERR I am no Redis\r\n"),
		"redirect":            replay("-MOVED\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := liar(t, do)
			for _, o := range []RedisOptions{
				{Addresses: []string{addr}},
				{Addresses: []string{addr}, Cluster: true},
				{Addresses: []string{addr}, Master: "m"},
			} {
				s := openRedisAt(t, o)
				for _, op := range operations(s.Keyspace("a")) {
					if err := op.do(t.Context()); !errors.Is(err, ErrUnavailable) {
						t.Errorf("%+v: %s: %v", o, op.name, err)
					}
				}
				until(t, "the store to be down", func() bool { return s.Health() != nil })
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestRedisWrongTypes: answers of the protocol that make no sense.
func TestRedisWrongTypes(t *testing.T) {
	for _, text := range []string{"*0\r\n", "*1\r\n*0\r\n", "%0\r\n", "+yes\r\n", "#t\r\n", ",1.5\r\n", "_\r\n", ":-1\r\n", "$-1\r\n", "=7\r\ntxt:abc\r\n"} {
		t.Run(strings.TrimSpace(text), func(t *testing.T) {
			s := openRedisAt(t, RedisOptions{Addresses: []string{liar(t, replay(text))}})
			for _, op := range operations(s.Keyspace("a")) {
				err := op.do(t.Context())
				if err != nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrAbsent) && !errors.Is(err, ErrInvalid) {
					t.Errorf("%s: %v", op.name, err)
				}
			}
		})
	}
}
