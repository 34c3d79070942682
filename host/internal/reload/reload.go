// Package reload watches files and tells when they have changed.
//
// Events of the file system only say that it is worth looking; what counts is a
// fingerprint that the caller takes of the files it cares for. So an editor's
// temporary files, a database in the same directory and the symbolic links that
// Kubernetes swaps under a ConfigMap need no rules of their own.
package reload

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long nothing must happen before a change is taken up, so that
	// a file being written is mostly seen whole.
	settle = 100 * time.Millisecond
	// patience bounds the wait while something keeps happening.
	patience = 500 * time.Millisecond
	// poll is the safety net where events do not arrive: network file systems,
	// a watched directory that was replaced.
	poll = 2 * time.Second
)

// Look returns the directories to watch and a fingerprint of what matters in
// them. It is called often and must be quick.
type Look func() (dirs []string, fingerprint string)

// Watch calls changed, on its own goroutine, whenever the fingerprint differs
// from the one before. It returns when ctx ends.
func Watch(ctx context.Context, look Look, changed func(), log *slog.Logger) {
	dirs, seen := look()
	events := make(chan fsnotify.Event)
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("no file events; looking for changes every "+poll.String(), slog.Any("error", err))
	} else {
		defer watcher.Close()
		events = watcher.Events
	}
	watched := map[string]os.FileInfo{}
	follow := func(dirs []string) {
		if watcher != nil {
			follow(watcher, watched, dirs, log)
		}
	}
	follow(dirs)

	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	quiet := time.NewTimer(0)
	<-quiet.C
	var since time.Time // of the first event not yet looked at
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			if since.IsZero() {
				since = time.Now()
			}
			quiet.Reset(max(0, min(settle, patience-time.Since(since))))
			continue
		case <-quiet.C:
		case <-ticker.C:
		}
		since = time.Time{}
		dirs, now := look()
		if now != seen {
			seen = now
			changed()
			dirs, _ = look() // the change may have moved the directory
		}
		follow(dirs)
	}
}

// follow brings the watcher to exactly dirs. A watch is of a directory, not of its
// name: when the name has come to mean another one, by a link that was swapped, the
// watch follows. A directory that cannot be watched, mostly because it does not
// exist, is tried again at the next look.
func follow(w *fsnotify.Watcher, watched map[string]os.FileInfo, dirs []string, log *slog.Logger) {
	current := w.WatchList()
	for dir, was := range watched {
		now, err := os.Stat(dir)
		if err != nil || !os.SameFile(was, now) || !slices.Contains(dirs, dir) || !slices.Contains(current, dir) {
			_ = w.Remove(dir) // gone by itself when the directory went
			delete(watched, dir)
		}
	}
	for _, dir := range dirs {
		if watched[dir] != nil {
			continue
		}
		info, err := os.Stat(dir)
		if err == nil {
			err = w.Add(dir)
		}
		if err != nil {
			log.Debug("cannot watch directory", slog.String("dir", dir), slog.Any("error", err))
			continue
		}
		watched[dir] = info
	}
}
