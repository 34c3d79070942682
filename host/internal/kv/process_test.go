package kv

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// The test binary runs itself as a second process on the same file; this variable
// tells it what to be, and its first argument which file.
const roleVariable = "WASMLANE_KV_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		code := m.Run()
		stopShared()
		os.Exit(code)
	}
	s, err := OpenEmbedded(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("open")
	if role == "writer" {
		go writeForEver(s.Keyspace("a"))
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
}

// writeForEver writes keys that say their round, writer and number, and prints
// each once it is acknowledged.
func writeForEver(space Keyspace) {
	var out sync.Mutex
	for writer := range 8 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d-%d", os.Getpid(), writer, i)
				value := strings.Repeat(key, 1+i%50)
				if err := space.Set(context.Background(), []byte(key), []byte(value)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				out.Lock()
				fmt.Println(key, len(value))
				out.Unlock()
			}
		}()
	}
}

// second starts a second process and returns when it has the file open.
func second(t *testing.T, role, path string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	out := bufio.NewReader(stdout)
	if line, err := out.ReadString('\n'); line != "open\n" {
		t.Fatalf("second process: %q, %v", line, err)
	}
	return cmd, out
}

// TestKill kills a process in the middle of its writes: each one that it saw
// acknowledged is there, in full.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	acknowledged := make(map[string]int) // length of the value
	for round := range 3 {
		cmd, out := second(t, "writer", path)
		for n := 0; ; n++ {
			line, err := out.ReadString('\n')
			if err != nil {
				break // a last line without its end was not seen
			}
			var key string
			var length int
			if _, err := fmt.Sscan(line, &key, &length); err != nil {
				t.Fatal(line, err)
			}
			acknowledged[key] = length
			if n == 100*(round+1) {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait()
		s := openAt(t, path)
		space := s.Keyspace("a")
		for key, length := range acknowledged {
			value, err := space.Get(t.Context(), nil, []byte(key))
			if err != nil || string(value) != strings.Repeat(key, length/len(key)) {
				t.Errorf("lost %s: %d bytes of %d, %v", key, len(value), length, err)
			}
		}
		checkFile(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) < 600 {
		t.Errorf("only %d writes were acknowledged before the kill", len(acknowledged))
	}
}

// TestSecondOpener: the error names the file, who has it, and what to do.
func TestSecondOpener(t *testing.T) {
	refused := func(t *testing.T, path, who string) {
		t.Helper()
		_, err := OpenEmbedded(path)
		if runtime.GOOS != "linux" {
			who = "another process"
		}
		want := path + ": " + who + " has this store open; stop it, or give this host a file of its own with store.path"
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	t.Run("same process", func(t *testing.T) {
		s := openTemp(t)
		refused(t, s.file.path, "this process already")
		mustSet(t, s.Keyspace("a"), "k", "v")
	})
	t.Run("other process", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "test.db")
		cmd, _ := second(t, "holder", path)
		name := filepath.Base(os.Args[0])
		refused(t, path, fmt.Sprintf("process %d %s", cmd.Process.Pid, name[:min(len(name), 15)]))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		mustSet(t, openAt(t, path).Keyspace("a"), "k", "v")
	})
	t.Run("waits", func(t *testing.T) {
		s := openTemp(t)
		go func() {
			time.Sleep(10 * time.Millisecond) // so that opening mostly comes first
			s.Close()
		}()
		db, _, err := open(s.file.path, false, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}
