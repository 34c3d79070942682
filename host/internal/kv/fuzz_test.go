package kv

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fuzzStrings and fuzzDeltas are what the fuzzed operations choose from. They are
// few, so that operations meet, and near each other in the order of bytes.
var (
	fuzzStrings = []string{
		"a", "", "b", "ab", "a\x00", "a\xff", "\x00", "\xff", "\xff\xff", "a100",
		"1", "0", "-1", "+1", "01", "9223372036854775807", "-9223372036854775808",
		strings.Repeat("k", MaxKey), strings.Repeat("k", MaxKey+1), strings.Repeat("v", 5000),
	}
	fuzzDeltas = []int64{1, 0, -1, 1 << 62, -1 << 62, 1<<63 - 1, -1 << 63}
)

// FuzzStore does the same operations on all stores and the model, and wants the
// same answers and the same contents. Redis takes part where it is installed. An operation is four bytes: which and where,
// and three choices of arguments.
func FuzzStore(f *testing.F) {
	f.Add([]byte{0, 0, 2, 0, 1, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 5, 0, 0, 0})
	f.Add([]byte{3, 0, 0, 0, 3, 0, 0, 5, 1, 0, 0, 0, 4, 0, 10, 2, 132, 1, 0, 1, 2, 0, 0, 0, 2, 0, 0, 0})
	f.Add([]byte{16, 3, 19, 0, 16, 9, 19, 0, 16, 17, 19, 0, 6, 0, 0, 0, 21, 0, 3, 0, 0, 18, 0, 0, 16, 3, 1, 0})
	var remote *redis
	if _, err := exec.LookPath("redis-server"); err == nil {
		remote = openRedis(f)
		mustSet(f, remote.Keyspace("small"), "a", "1") // it is connected
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 4*200 {
			return
		}
		others := []Store{}
		if remote != nil {
			flush(t, remote)
			each(t, 100, 300, func(i int) error {
				return remote.Keyspace("large").Set(t.Context(), fmt.Appendf(nil, "a%03d", i), []byte("1"))
			})
			others = append(others, remote)
		}
		memory, embedded := NewMemory(), openTemp(t)
		embedded.file.db.NoSync = true // the disk is not what is tested
		models := map[string]model{"small": {}, "large": {}}
		for i := range 300 { // more than a page and a chunk
			mustSet(t, memory.Keyspace("large"), fmt.Sprintf("a%03d", i), "1")
			mustSet(t, models["large"], fmt.Sprintf("a%03d", i), "1")
		}
		each(t, 100, 300, func(i int) error {
			return embedded.Keyspace("large").Set(t.Context(), fmt.Appendf(nil, "a%03d", i), []byte("1"))
		})
		for step := 0; len(input) >= 4; step++ {
			op := [4]byte(input)
			input = input[4:]
			if op[0]%8 == 6 {
				path := embedded.file.path
				if err := embedded.Close(); err != nil {
					t.Fatal(err)
				}
				embedded = openAt(t, path)
				embedded.file.db.NoSync = true
				continue
			}
			name := "small"
			if op[0]&16 != 0 {
				name = "large"
			}
			want := fuzzDo(t, models[name], op)
			for _, s := range append(others, memory, embedded) {
				if got := fuzzDo(t, s.Keyspace(name), op); got != want {
					t.Fatalf("step %d, %v, %T: got %.100s, want %.100s", step, op, s, got, want)
				}
			}
		}
		for name, m := range models {
			for _, s := range append(others, memory, embedded) {
				keys := list(t, s.Keyspace(name), "")
				if len(keys) != len(m) || !slices.IsSorted(keys) {
					t.Fatalf("%T, %s: %d keys, want %d: %.200q", s, name, len(keys), len(m), keys)
				}
				for _, key := range keys {
					mustGet(t, s.Keyspace(name), key, m[key])
				}
			}
		}
		checkFile(t, embedded)
	})
}

// flush empties the database.
func flush(t testing.TB, s *redis) {
	t.Helper()
	c := *s.client.Load()
	if err := c.Do(t.Context(), c.B().Flushdb().Build()).Error(); err != nil {
		t.Fatal(err)
	}
}

// fuzzDo does the operation and returns its answer.
func fuzzDo(t *testing.T, space Keyspace, op [4]byte) string {
	ctx := t.Context()
	argument := func(i int) []byte { return []byte(fuzzStrings[int(op[i])%len(fuzzStrings)]) }
	a, b, c := argument(1), argument(2), argument(3)
	switch op[0] % 8 {
	case 1:
		value, err := space.Get(ctx, nil, a)
		return answer(err, string(value))
	case 2:
		existed, err := space.Delete(ctx, a)
		return answer(err, strconv.FormatBool(existed))
	case 3:
		sum, err := space.Add(ctx, a, fuzzDeltas[int(op[2])%len(fuzzDeltas)])
		return answer(err, strconv.FormatInt(sum, 10))
	case 4:
		swapped, err := space.Swap(ctx, a, b, c, op[0]&128 != 0)
		return answer(err, strconv.FormatBool(swapped))
	case 5:
		key, err := space.Next(ctx, nil, a, b)
		return answer(err, string(key))
	}
	return answer(space.Set(ctx, a, b), "ok")
}

// TestSorted compares a sorted of many chunks with the model, growing and
// shrinking.
func TestSorted(t *testing.T) {
	m := model{}
	s := NewMemory()
	space := s.Keyspace("a")
	key := func(i int) []byte { return strconv.AppendInt(nil, int64(i*7919%5000), 10) }
	for i := range 5000 {
		mustSet(t, m, string(key(i)), "1")
		mustSet(t, space, string(key(i)), "1")
	}
	chunks := &s.(*memory).spaces["a"].chunks
	if len(*chunks) < 5000/chunkMax {
		t.Errorf("%d chunks", len(*chunks))
	}
	for i := range 5000 {
		if i%50 == 0 {
			keys := list(t, space, "")
			if len(keys) != len(m) || !slices.IsSorted(keys) {
				t.Fatalf("%d keys, want %d", len(keys), len(m))
			}
		}
		if existed, err := space.Delete(t.Context(), key(i*3)); !existed || err != nil {
			t.Fatal(existed, err)
		}
		delete(m, string(key(i*3)))
	}
	if len(*chunks) != 0 {
		t.Errorf("%d chunks are left", len(*chunks))
	}
}
