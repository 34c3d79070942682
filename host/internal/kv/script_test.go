package kv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// testScripts runs every file of testdata/script; its README has the format.
func testScripts(t *testing.T, open func(t *testing.T) Store) {
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			store := open(t)
			space := store.Keyspace("test")
			for i, line := range strings.Split(string(text), "\n") {
				if line == "" || line[0] == '#' {
					continue
				}
				words, want, err := parseLine(line)
				if err != nil {
					t.Fatalf("%s:%d: %v", file, i+1, err)
				}
				if words[0] == "keyspace" {
					space = store.Keyspace(words[1])
					continue
				}
				if got := runLine(t, space, words); got != want {
					t.Errorf("%s:%d: %.100s\n got %.200s\nwant %.200s", file, i+1, line, got, want)
				}
			}
		})
	}
}

// parseLine splits a line into the words of the operation, strings without their
// quotes, and the answer as runLine writes it.
func parseLine(line string) (words []string, want string, err error) {
	answer := false
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimSpace(rest) {
		word := rest
		if rest[0] == '"' {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, "", fmt.Errorf("%s: %w", rest, err)
			}
			word, _ = strconv.Unquote(quoted)
			rest = rest[len(quoted):]
			if strings.HasPrefix(rest, "*") {
				count, after, _ := strings.Cut(rest[1:], " ")
				n, err := strconv.Atoi(count)
				if err != nil {
					return nil, "", err
				}
				word, rest = strings.Repeat(word, n), after
			}
			if answer {
				word = show(word)
			}
		} else {
			word, rest, _ = strings.Cut(rest, " ")
			if word == "=>" {
				answer = true
				continue
			}
		}
		if !answer {
			words = append(words, word)
		} else if want = want + " " + word; want[0] == ' ' {
			want = want[1:]
		}
	}
	if !answer {
		want = "ok"
	}
	return words, want, nil
}

// runLine does one operation and returns its answer. It checks what holds for
// every operation: reads append to dst and leave it alone on errors, and nothing
// is kept of the arguments, which it overwrites after the call.
func runLine(t *testing.T, space Keyspace, words []string) string {
	t.Helper()
	ctx := t.Context()
	args := make([][]byte, 4)
	for i, word := range words[1:] {
		args[i] = []byte(word)
	}
	defer func() {
		for _, arg := range args {
			for i := range arg {
				arg[i] = 0xee
			}
		}
	}()
	dst := []byte("dst:")
	read := func(got []byte, err error) string {
		rest, ok := bytes.CutPrefix(got, dst)
		if !ok || err != nil && len(rest) > 0 {
			t.Errorf("%q: appended %q to %q, error %v", words, got, dst, err)
		}
		return answer(err, show(string(rest)))
	}
	switch words[0] {
	case "get":
		return read(space.Get(ctx, dst, args[0]))
	case "next":
		return read(space.Next(ctx, dst, args[0], args[1]))
	case "set":
		return answer(space.Set(ctx, args[0], args[1]), "ok")
	case "delete":
		existed, err := space.Delete(ctx, args[0])
		return answer(err, strconv.FormatBool(existed))
	case "add":
		delta, err := strconv.ParseInt(words[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := space.Add(ctx, args[0], delta)
		return answer(err, strconv.FormatInt(sum, 10))
	case "swap":
		swapped, err := space.Swap(ctx, args[0], args[1], args[2], words[2] == "absent")
		return answer(err, strconv.FormatBool(swapped))
	case "list":
		var keys []string
		for _, key := range list(t, space, words[1]) {
			keys = append(keys, show(key))
		}
		return strings.Join(keys, " ")
	}
	t.Fatalf("no operation %q", words[0])
	return ""
}

// show quotes s, or, when it is long, says what it is made of.
func show(s string) string {
	if len(s) > 100 && strings.Count(s, s[:1]) == len(s) {
		return fmt.Sprintf("%q*%d", s[:1], len(s))
	}
	return strconv.Quote(s)
}

// answer names the error, or returns the result when there is none.
func answer(err error, result string) string {
	for _, e := range []struct {
		err  error
		name string
	}{{ErrAbsent, "absent"}, {ErrInvalid, "invalid"}, {ErrTooLarge, "toolarge"}, {ErrClosed, "closed"}, {ErrUnavailable, "unavailable"}} {
		if errors.Is(err, e.err) {
			return e.name
		}
	}
	if err != nil {
		return err.Error()
	}
	return result
}

// list returns all keys with the prefix.
func list(t testing.TB, space Keyspace, prefix string) (keys []string) {
	t.Helper()
	var key []byte
	for {
		next, err := space.Next(t.Context(), nil, []byte(prefix), key)
		if errors.Is(err, ErrAbsent) {
			return keys
		}
		if err != nil {
			t.Fatal(err)
		}
		key = next
		keys = append(keys, string(key))
	}
}
