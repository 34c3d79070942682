package suite

import (
	"encoding/json"
	"fmt"
	"net"
	"reflect"
	"strings"
)

// Play plays a case against a host of its own. The error says which line of the
// case failed, what was expected and what came; nil means that it passed.
func (s *Setup) Play(c *Case) (err error) {
	r, err := s.start(c)
	if err != nil {
		return err
	}
	var stalled []net.Conn
	defer func() {
		for _, conn := range stalled {
			_ = conn.Close()
		}
		if ended := r.end(); err == nil {
			err = ended
		}
	}()
	for _, step := range c.Steps {
		open, err := r.step(step)
		if open != nil {
			stalled = append(stalled, open)
		}
		if err != nil {
			return fmt.Errorf("%s.txt:%d: %w\nthe end of the host's log:\n%s", c.Name, step.Line, err, r.logs.tail())
		}
	}
	return nil
}

// step carries one step out. A connection that it returns stays open to the end
// of the case.
func (r *running) step(s *Step) (open net.Conn, err error) {
	switch s.Kind {
	case Log:
		if !r.logs.wait(s.Level, s.Text) {
			return nil, fmt.Errorf("the log has no line at level %s with %q", s.Level, s.Text)
		}
	case Restart:
		if err := r.stop(); err != nil {
			return nil, err
		}
		return nil, r.open()
	case BreakStore:
		return nil, r.breakStore()
	case Ask:
		a, open, err := r.ask(&s.Request, s.Unread)
		if err != nil || a == nil {
			return open, err
		}
		if err := s.check(a, r.substitute); err != nil {
			return nil, err
		}
		if s.Twice {
			return nil, r.differs(s, a)
		}
	}
	return nil, nil
}

// differs sends a request again, whose answer must have another body.
func (r *running) differs(s *Step, first *answer) error {
	second, _, err := r.ask(&s.Request, false)
	if err != nil {
		return err
	}
	if second.body == first.body {
		return fmt.Errorf("two requests got the same answer, %s; want them to differ", short(first.body))
	}
	return s.check(second, r.substitute)
}

// check compares an answer with what the case expects.
func (e *Expect) check(a *answer, substitute func(string) string) error {
	var wrong []string
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if e.Status != 0 && a.status != e.Status {
		add("status: want %d, got %d", e.Status, a.status)
	}
	if e.Cut != (a.cut != nil) {
		add("the end: want cut off %v, got %v", e.Cut, a.cut != nil)
	}
	want := make(map[string][]string)
	for _, f := range e.Has {
		want[f.Name] = append(want[f.Name], f.Value)
	}
	for name, values := range want {
		if got := a.header.Values(name); !reflect.DeepEqual(got, values) {
			add("header %s: want %s, got %s", name, short(fmt.Sprintf("%q", values)), short(fmt.Sprintf("%q", got)))
		}
	}
	for _, name := range e.Lacks {
		if got := a.header.Values(name); got != nil {
			add("header %s: want none, got %q", name, got)
		}
	}
	if e.HasBody {
		if text := substitute(e.Text); !e.sameBody(text, a.body) {
			add("body: want\n%s\ngot\n%s", indent(text), indent(a.body))
		}
	} else if len(wrong) > 0 {
		add("body: got\n%s", indent(a.body))
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(wrong, "\n"))
}

func (e *Expect) sameBody(want, got string) bool {
	if !e.JSON {
		return want == got
	}
	var a, b any
	if json.Unmarshal([]byte(want), &a) != nil || json.Unmarshal([]byte(got), &b) != nil {
		return false
	}
	return reflect.DeepEqual(a, b)
}

func indent(text string) string {
	text = strings.TrimSuffix(text, "\n")
	lines := strings.Split(text, "\n")
	if len(lines) > 80 {
		lines = append(lines[:80], "…")
	}
	for i, line := range lines {
		lines[i] = "    " + short(line)
	}
	return strings.Join(lines, "\n")
}

func short(text string) string {
	if len(text) > 400 {
		return fmt.Sprintf("%s… (%d bytes)", text[:400], len(text))
	}
	return text
}
