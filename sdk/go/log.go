package wasmlane

import (
	"bytes"
	"fmt"
	"io"
)

// Log writes to the host's log, which adds the plugin, the handler and the
// request id and escapes control characters. A message is cut after 8 KiB. What a
// plugin prints to stdout and stderr ends up there, too.
var Log Logger

// Logger is the type of [Log].
type Logger struct{}

// Level is the severity of a log message.
type Level uint32

// The levels.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarn
	LevelError
)

// Debug logs a message at level debug.
func (Logger) Debug(message string) { LevelDebug.log(message) }

// Info logs a message at level info.
func (Logger) Info(message string) { LevelInfo.log(message) }

// Warn logs a message at level warn.
func (Logger) Warn(message string) { LevelWarn.log(message) }

// Error logs a message at level error.
func (Logger) Error(message string) { LevelError.log(message) }

// Debugf is [Logger.Debug] with a message formatted as by fmt.Sprintf.
func (Logger) Debugf(format string, args ...any) { LevelDebug.log(fmt.Sprintf(format, args...)) }

// Infof is [Logger.Info] with a message formatted as by fmt.Sprintf.
func (Logger) Infof(format string, args ...any) { LevelInfo.log(fmt.Sprintf(format, args...)) }

// Warnf is [Logger.Warn] with a message formatted as by fmt.Sprintf.
func (Logger) Warnf(format string, args ...any) { LevelWarn.log(fmt.Sprintf(format, args...)) }

// Errorf is [Logger.Error] with a message formatted as by fmt.Sprintf.
func (Logger) Errorf(format string, args ...any) { LevelError.log(fmt.Sprintf(format, args...)) }

// Writer returns a writer that logs each Write as one message, for log.SetOutput
// and slog's handlers.
func (Logger) Writer(level Level) io.Writer { return logWriter{level} }

type logWriter struct{ level Level }

func (w logWriter) Write(p []byte) (int, error) {
	ptr, n := pointer(bytes.TrimRight(p, "\r\n"))
	hostLog(uint32(w.level), ptr, n)
	return len(p), nil
}

func (l Level) log(message string) {
	ptr, n := stringPointer(message)
	hostLog(uint32(l), ptr, n)
}
