package kv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/kv/redistest"
)

// patience bounds every wait of these tests. Only a test that fails waits so long.
const patience = 20 * time.Second

// shared is the server of all tests that do nothing to it. Each test has a database
// of its own.
var shared struct {
	sync.Mutex
	server *redistest.Server
	dir    string
	used   int
}

const databases = 4096

// stopShared ends the shared server, if there is one.
func stopShared() {
	if shared.server != nil {
		shared.server.Kill()
		_ = os.RemoveAll(shared.dir)
	}
}

// sharedOptions returns an empty database on the shared server.
func sharedOptions(t testing.TB) RedisOptions {
	t.Helper()
	redistest.Need(t, "redis-server")
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		dir, err := os.MkdirTemp("", "wasmlane-redis-")
		if err != nil {
			t.Fatal(err)
		}
		shared.dir = dir
		if shared.server, err = redistest.Launch(dir, "--databases", strconv.Itoa(databases), "--appendonly", "no"); err != nil {
			t.Fatal(err)
		}
	}
	if shared.used++; shared.used == databases {
		t.Fatal("out of databases")
	}
	return RedisOptions{Addresses: []string{shared.server.Addr}, Database: shared.used}
}

// openRedis returns an empty store on the shared server.
func openRedis(t testing.TB) *redis {
	t.Helper()
	return openRedisAt(t, sharedOptions(t))
}

func openRedisAt(t testing.TB, o RedisOptions) *redis {
	t.Helper()
	s := NewRedis(o).(*redis)
	t.Cleanup(func() { s.Close() })
	return s
}

// changes collects what a store tells of itself.
type changes struct {
	sync.Mutex
	list []string
}

func (c *changes) add(err error) {
	c.Lock()
	defer c.Unlock()
	if err == nil {
		c.list = append(c.list, "back")
	} else {
		c.list = append(c.list, err.Error())
	}
}

func (c *changes) all() []string {
	c.Lock()
	defer c.Unlock()
	return append([]string(nil), c.list...)
}

// until waits for something to become true.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

func TestRedis(t *testing.T) {
	redistest.Need(t, "redis-server")
	testStore(t, func(t *testing.T) Store { return openRedis(t) })
}

// TestRedisLayout: an operator finds what docs/redis.md says.
func TestRedisLayout(t *testing.T) {
	o := sharedOptions(t)
	s := openRedisAt(t, o)
	cli := func(args ...string) string {
		return shared.server.Do(t, append([]string{"-n", strconv.Itoa(o.Database)}, args...)...)
	}
	space := s.Keyspace("users")
	mustSet(t, space, "b", "2")
	mustSet(t, space, "a", "1")
	mustSet(t, space, "c", "")
	if _, err := space.Delete(t.Context(), []byte("b")); err != nil {
		t.Fatal(err)
	}
	if _, err := space.Swap(t.Context(), []byte("d"), nil, []byte("x"), true); err != nil {
		t.Fatal(err)
	}
	if _, err := space.Swap(t.Context(), []byte("e"), []byte("y"), []byte("x"), false); err != nil {
		t.Fatal(err)
	}
	if _, err := space.Add(t.Context(), []byte("a"), 41); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]string{
		"HGET wasmlane:{users}:values a":        "42",
		"HLEN wasmlane:{users}:values":          "3",
		"ZRANGE wasmlane:{users}:keys 0 -1":     "a\nc\nd",
		"ZSCORE wasmlane:{users}:keys a":        "0",
		"CLUSTER KEYSLOT wasmlane:{users}:keys": "ERR This instance has cluster support disabled",
		"DBSIZE":                                "2",
	} {
		if got := cli(strings.Fields(command)...); got != want {
			t.Errorf("%s prints %q, want %q", command, got, want)
		}
	}
	for _, key := range []string{"a", "c", "d"} {
		if _, err := space.Delete(t.Context(), []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	if got := cli("DBSIZE"); got != "0" {
		t.Errorf("an empty keyspace leaves %s keys", got)
	}
}

// TestRedisKeys: both keys of a keyspace have one hash tag, whatever its name is,
// and two keyspaces have no key in common.
func TestRedisKeys(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a", "}", "{", "{}", "a}b", "%7D", "%", "a}", "", "a:b", "}:values"} {
		values, keys := redisKeys(name)
		for _, key := range []string{values, keys} {
			if other, ok := seen[key]; ok {
				t.Errorf("%q and %q share %q", name, other, key)
			}
			seen[key] = name
		}
		tagOf := func(key string) string {
			_, rest, _ := strings.Cut(key, "{")
			tag, _, _ := strings.Cut(rest, "}")
			return tag
		}
		if tagOf(values) != tagOf(keys) || tagOf(keys) == "" && name != "" {
			t.Errorf("%q: tags %q and %q", name, tagOf(values), tagOf(keys))
		}
	}
}

// TestRedisForeign: what other programs leave there is an error of the operation.
func TestRedisForeign(t *testing.T) {
	o := sharedOptions(t)
	s := openRedisAt(t, o)
	cli := func(args ...string) {
		shared.server.Do(t, append([]string{"-n", strconv.Itoa(o.Database)}, args...)...)
	}
	cli("SET", "wasmlane:{a}:values", "text")
	cli("SET", "wasmlane:{b}:keys", "text")
	for _, op := range operations(s.Keyspace("a")) {
		if op.name == "next" {
			continue
		}
		if err := op.do(t.Context()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "WRONGTYPE") {
			t.Errorf("%s: %v", op.name, err)
		}
	}
	if _, err := s.Keyspace("b").Next(t.Context(), nil, nil, nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("next: %v", err)
	}
	if err := s.Health(); err != nil {
		t.Errorf("the store is down because of one keyspace: %v", err)
	}
	// An index that has lost a key gets it back with the next write.
	space := s.Keyspace("c")
	mustSet(t, space, "k", "1")
	cli("DEL", "wasmlane:{c}:keys")
	if keys := list(t, space, ""); keys != nil {
		t.Fatal(keys)
	}
	mustSet(t, space, "k", "2")
	if keys := list(t, space, ""); len(keys) != 1 {
		t.Error(keys)
	}
	// Scripts that the server has forgotten are sent again.
	cli("SCRIPT", "FLUSH")
	if sum, err := space.Add(t.Context(), []byte("k"), 1); sum != 3 || err != nil {
		t.Error(sum, err)
	}
	// A value beyond the limits is refused, and costs nothing else.
	cli("EVAL", "return redis.call('HSET', KEYS[1], 'big', string.rep('x', 1048577))", "1", "wasmlane:{c}:values")
	if _, err := space.Get(t.Context(), nil, []byte("big")); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// TestRedisOutOfMemory: a write that the server refuses changes nothing.
func TestRedisOutOfMemory(t *testing.T) {
	server := redistest.Start(t)
	var told changes
	s := openRedisAt(t, RedisOptions{Addresses: []string{server.Addr}, Changed: told.add})
	space := s.Keyspace("a")
	mustSet(t, space, "n", "1")
	server.Do(t, "CONFIG", "SET", "maxmemory", "1")
	for _, op := range operations(space) {
		switch err := op.do(t.Context()); op.name {
		case "set", "add":
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "OOM") {
				t.Errorf("%s: %v", op.name, err)
			}
		}
	}
	if keys := list(t, space, ""); len(keys) > 1 || len(keys) == 1 && keys[0] != "n" {
		t.Errorf("refused writes left %q", keys)
	}
	server.Do(t, "CONFIG", "SET", "maxmemory", "0")
	mustSet(t, space, "m", "1")
}

// TestRedisArguments: a command that outlives its caller has arguments of its own.
func TestRedisArguments(t *testing.T) {
	server := redistest.Start(t)
	s := openRedisAt(t, RedisOptions{Addresses: []string{server.Addr}})
	space := s.Keyspace("a")
	mustSet(t, space, "warm", "1")
	server.Pause(t)
	key, value := []byte("key"), []byte("value")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := space.Set(ctx, key, value); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a paused server: %v", err)
	}
	copy(key, "xxx")
	copy(value, "yyyyy")
	server.Resume(t)
	until(t, "the late write or the end of its connection", func() bool {
		_, err := space.Get(t.Context(), nil, []byte("warm"))
		return err == nil
	})
	for _, k := range list(t, space, "") {
		if k != "warm" && k != "key" {
			t.Errorf("wrote %q", k)
		}
	}
}

func ExampleNewRedis() {
	s := NewRedis(RedisOptions{Addresses: []string{"127.0.0.1:1"}})
	defer s.Close()
	_, err := s.Keyspace("users").Get(context.Background(), nil, []byte("key"))
	fmt.Println(errors.Is(err, ErrUnavailable))
	// Output: true
}
