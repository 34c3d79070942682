package lanetest

import (
	"errors"
	"net/http"
	"sync"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/internal/abi"
)

// T is what this package needs of a *testing.T or *testing.B.
type T interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Env is what surrounds a plugin: its store, its config, the services it may call
// and its log. Several requests may share one, one after the other or from
// parallel tests; its fields are set before the first.
type Env struct {
	KV     *Store
	Config map[string]string

	// OnKV, when set, is called before each operation of the store with its name in
	// the ABI, such as "kv_swap", and its key or prefix. With an error the operation
	// does not take place and the handler gets that error: wasmlane.ErrTimeout,
	// ErrUnavailable, ErrDenied, …; any other error is ErrUnavailable. A panic stands
	// for a handler that ends there. OnKV may use KV, and run other handlers.
	OnKV func(function, key string) error

	// Seed, when it is not 0, makes wasmlane.Rand give the same numbers in every
	// request.
	Seed uint64

	mu       sync.Mutex
	services map[string]service
	logs     []Message
}

// Message is one message in the log.
type Message struct {
	Level wasmlane.Level
	Text  string
}

// service is a stub: a handler, or a code instead of an answer.
type service struct {
	handler http.HandlerFunc
	code    int32
}

// New returns an Env with an empty store, no config and no services.
func New() *Env {
	return &Env{KV: newStore(), Config: map[string]string{}, services: map[string]service{}}
}

// Service makes calls to target reach handler. target is what the plugin gives to
// wasmlane.Call: a service's name or an origin. Calls to other targets are
// refused with wasmlane.ErrDenied.
func (e *Env) Service(target string, handler http.HandlerFunc) {
	e.setService(target, service{handler: handler})
}

// FailService makes calls to target fail with err: wasmlane.ErrTimeout,
// ErrUnavailable, …; any other error is ErrUnavailable.
func (e *Env) FailService(target string, err error) {
	e.setService(target, service{code: codeOf(err)})
}

func (e *Env) setService(target string, s service) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.services[target] = s
}

func (e *Env) service(target string) (service, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, ok := e.services[target]
	return s, ok
}

// Logs returns what the handlers have logged so far.
func (e *Env) Logs() []Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Message(nil), e.logs...)
}

func (e *Env) log(m Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.logs = append(e.logs, m)
}

// codeOf returns the code that the SDK turns into err.
func codeOf(err error) int32 {
	for code, sentinel := range map[int32]error{
		abi.Absent:   wasmlane.ErrAbsent,
		abi.Invalid:  wasmlane.ErrInvalid,
		abi.Denied:   wasmlane.ErrDenied,
		abi.Timeout:  wasmlane.ErrTimeout,
		abi.TooLarge: wasmlane.ErrTooLarge,
		abi.Closed:   wasmlane.ErrClosed,
	} {
		if errors.Is(err, sentinel) {
			return code
		}
	}
	return abi.Unavailable
}
