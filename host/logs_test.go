package host

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// logLines is a log in JSON that tests read.
type logLines struct {
	mu   sync.Mutex
	text strings.Builder
}

// line is one of its lines, by attribute.
type line map[string]any

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tail returns the last lines, for messages.
func (l *logLines) tail() string {
	lines := strings.Split(strings.TrimSpace(l.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

// all returns the lines whose message begins with a text.
func (l *logLines) all(message string) (found []line) {
	for text := range strings.Lines(l.String()) {
		var entry line
		if err := json.Unmarshal([]byte(text), &entry); err == nil && strings.HasPrefix(entry.text("msg"), message) {
			found = append(found, entry)
		}
	}
	return found
}

// text returns an attribute as text.
func (l line) text(name string) string {
	if v, ok := l[name]; ok {
		return fmt.Sprint(v)
	}
	return ""
}

// logged waits for a line with that message and those attributes, each a name
// and what its value must contain, and returns the first.
func (r *rig) logged(message string, attrs ...string) line {
	r.t.Helper()
	var found line
	r.until(fmt.Sprintf("a log line %q with %q", message, attrs), func() bool {
	lines:
		for _, entry := range r.logs.all(message) {
			for i := 0; i+1 < len(attrs); i += 2 {
				if value, has := entry[attrs[i]]; !has || !strings.Contains(fmt.Sprint(value), attrs[i+1]) {
					continue lines
				}
			}
			found = entry
			return true
		}
		return false
	})
	return found
}
