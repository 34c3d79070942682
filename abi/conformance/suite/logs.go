package suite

import (
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// patience bounds every wait. Only a case that fails waits so long.
const patience = 20 * time.Second

// logs is the host's log in JSON.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tail returns the last lines, for messages.
func (l *logs) tail() string {
	lines := strings.Split(strings.TrimSpace(l.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}

// wait waits for a line of that level which holds the text.
func (l *logs) wait(level, text string) bool {
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		for line := range strings.Lines(l.String()) {
			var entry struct {
				Level   string
				Message string `json:"msg"`
				Reason  string
			}
			if json.Unmarshal([]byte(line), &entry) == nil && strings.EqualFold(entry.Level, level) &&
				(strings.Contains(entry.Message, text) || strings.Contains(entry.Reason, text)) {
				return true
			}
		}
		if time.Now().After(end) {
			return false
		}
	}
}
