package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"unicode"
)

// Kind says why a call ended before its function returned.
type Kind int

const (
	// Trapped: the guest did what it must not, or a host function refused to
	// go on.
	Trapped Kind = iota
	// Deadline: its time was over, whether it was computing or waiting.
	Deadline
	// Canceled: the context was canceled.
	Canceled
)

// String returns "trapped", "deadline" or "canceled".
func (k Kind) String() string {
	switch k {
	case Deadline:
		return "deadline"
	case Canceled:
		return "canceled"
	}
	return "trapped"
}

// Trap is how a call ended that did not return. The instance is then of no more
// use: put it back as Failed.
type Trap struct {
	Kind   Kind
	Reason string // one line: "unreachable", "stack overflow", or the text of Err
	Stack  string // the guest's functions, innermost first, one a line; may be empty
	Err    error  // what a host function panicked with, nil otherwise

	// MemoryLimit is the limit of the linear memory, in bytes, when the call had
	// asked for more and been refused; 0 otherwise. Whether that is why it ended
	// only the guest knows.
	MemoryLimit uint64
}

// Error implements error, without the stack.
func (t *Trap) Error() string { return t.Kind.String() + ": " + t.Reason }

// Unwrap gives errors.Is and errors.As the host function's error.
func (t *Trap) Unwrap() error { return t.Err }

// The engine's error texts: what was wrong, one of these, then the frames.
const (
	recoveredMark = " (recovered by wazero)"
	stackMark     = "\nwasm stack trace:\n\t"
	hostStackMark = "\n\nGo runtime stack trace:\n"
)

// newTrap reads an error of the engine. A defect of the host itself, which shows
// as a runtime.Error, is logged here with the host's stack, which a Trap never
// carries.
func newTrap(err error, log *slog.Logger) *Trap {
	text := err.Error()
	cause := errors.Unwrap(err)
	reason, rest := text, ""
	if cause != nil {
		reason = cause.Error()
		// Skipped by its length: the text of a host's error may itself look
		// like the engine's marks.
		if i := strings.Index(text, reason); i >= 0 {
			rest = text[i+len(reason):]
		}
	} else if i := strings.LastIndex(text, stackMark); i >= 0 {
		reason, rest = strings.TrimSuffix(text[:i], recoveredMark), text[i:]
	}
	t := &Trap{Reason: oneLine(reason)}
	rest, fromHost := strings.CutPrefix(rest, recoveredMark)
	if cause != nil && fromHost {
		t.Err = cause
	}
	frames, hostStack, _ := strings.Cut(strings.TrimPrefix(rest, stackMark), hostStackMark)
	t.Stack = cleanFrames(frames)
	var defect runtime.Error
	var ended *stop
	switch {
	case errors.As(t.Err, &ended):
		t.Kind, t.Err = ended.kind, ended.is
	case errors.As(t.Err, &defect):
		log.Error("a host function failed, this is a defect of the host",
			"error", t.Reason, "wasm_stack", t.Stack, "host_stack", hostStack)
	case errors.Is(t.Err, context.DeadlineExceeded):
		t.Kind = Deadline
	case errors.Is(t.Err, context.Canceled):
		t.Kind = Canceled
	}
	return t
}

// cleanFrames puts one frame on a line. Function names are the guest's own.
func cleanFrames(frames string) string {
	var lines []string
	for _, line := range strings.Split(frames, "\n\t") {
		if line = clean(strings.TrimPrefix(line, ".")); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// oneLine is the first line of a text, clean.
func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return clean(s)
}

// clean cuts a text to 512 bytes, with spaces for control characters.
func clean(s string) string {
	const most = 512
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

// recovered turns a panic that came out of the engine into an error. The text
// of one that wazero raised itself is kept, the stack is not.
func recovered(r any) error {
	if err, ok := r.(error); ok {
		return fmt.Errorf("the engine failed: %w", err)
	}
	return fmt.Errorf("the engine failed: %v", r)
}
