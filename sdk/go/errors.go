package wasmlane

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/wasmlane/wasmlane/sdk/go/internal/abi"
)

// The errors of the host, one for each of its codes. What a function returns
// wraps one of them and names the function and its argument: use errors.Is.
var (
	ErrAbsent      = errors.New("absent")                               // no such key
	ErrInvalid     = errors.New("malformed name, value, key or target") // or a header that is the host's to set
	ErrDenied      = errors.New("not granted in host.toml")             // or a write while the plugin initialises
	ErrTimeout     = errors.New("the deadline came first")              // the request's; its answer is 504
	ErrUnavailable = errors.New("the other side failed")                // the store or the service; trying later may help
	ErrTooLarge    = errors.New("over a limit")                         // of the ABI or of host.toml
	ErrClosed      = errors.New("the client went away")                 // there is no point in going on
)

var errUnknown = errors.New("the host answered a code that this SDK does not know")

// hostError is a code of the host with what it answers.
type hostError struct {
	function string // "kv_get"
	argument string // "user/7"
	err      error
}

func (e *hostError) Error() string {
	text := append([]byte(e.function), ' ')
	text = appendQuoted(text, e.argument[:min(len(e.argument), 80)])
	return string(text) + ": " + e.err.Error()
}

func (e *hostError) Unwrap() error { return e.err }

// check turns a result of the host into an error, or nil when it is no code.
func check(function, argument string, code int32) error {
	if code >= 0 {
		return nil
	}
	err := errUnknown
	switch code {
	case abi.Absent:
		err = ErrAbsent
	case abi.Invalid:
		err = ErrInvalid
	case abi.Denied:
		err = ErrDenied
	case abi.Timeout:
		err = ErrTimeout
	case abi.Unavailable:
		err = ErrUnavailable
	case abi.TooLarge:
		err = ErrTooLarge
	case abi.Closed:
		err = ErrClosed
	}
	return &hostError{function, argument, err}
}

// HTTPError is an error that a handler returns to answer with a status of its
// own: {"error": Message, "request_id": …}. Any other error is answered 503
// for [ErrUnavailable], 504 for [ErrTimeout] and else 500, without its text.
type HTTPError struct {
	Status  int    // 200 to 599
	Message string // for the client
	Err     error  // the cause, or nil: logged when Status is 500 or more, never sent
}

// Error returns "404 no such user", with the cause if there is one.
func (e *HTTPError) Error() string {
	text := strconv.Itoa(e.Status) + " " + e.Message
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *HTTPError) Unwrap() error { return e.Err }

// Error returns an [HTTPError] without a cause.
func Error(status int, message string) error { return &HTTPError{Status: status, Message: message} }

// Errorf is [Error] with a message formatted as by fmt.Sprintf.
func Errorf(status int, format string, args ...any) error {
	return Error(status, fmt.Sprintf(format, args...))
}
