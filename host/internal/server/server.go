package server

import (
	"errors"
	"log/slog"
	"math"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/config"
)

// Options says what to serve and how.
type Options struct {
	Config config.Server

	// Handler answers the requests. It may use ConnOf(ctx.Conn()).
	Handler fasthttp.RequestHandler

	// Error fills ctx.Response with the host's error answer and writes the access
	// line. The message is for the client. Of a request that could not be parsed,
	// ctx.Request may hold nothing.
	Error func(ctx *fasthttp.RequestCtx, status int, message string)

	// MaxBodyKey is the key of host.toml that a client is told when its body is over
	// Config.MaxBody; "" means "max_body".
	MaxBodyKey string

	// RequestID makes the id of an answer that belongs to no request: that of a
	// connection over a limit. Nil: 32 random hexadecimal digits.
	RequestID func() string

	// Ebbed, unless nil, is called when three quarters of many connections have ended:
	// their memory is to be had back. It must not block.
	Ebbed func()

	Log *slog.Logger
}

// Server is one listening socket and its connections. Its methods are safe for
// concurrent use. It is used once: Listen, Serve, Shutdown.
type Server struct {
	options Options
	log     *slog.Logger
	http    *fasthttp.Server
	cert    *certificate // nil without TLS
	conns   *registry
	goodbye chan struct{} // one element for each refused connection being answered
	scratch sync.Pool     // *[]byte, to read into what nobody wants

	refused occasionally // guards the warnings about refused connections
	stalled occasionally // and about failing accepts

	draining atomic.Bool
	maxBody  atomic.Int64 // Config.MaxBody, which a reload may change

	mu       sync.Mutex
	listener *listener     // nil before Listen
	served   chan struct{} // closed when Serve has returned; nil before Serve
}

// Errors of a Server used in the wrong order.
var (
	ErrNotListening = errors.New("server: Serve before Listen")
	ErrListening    = errors.New("server: Listen called twice")
	ErrServing      = errors.New("server: Serve called twice")
)

// SettingError says which key of host.toml the system did not accept.
type SettingError struct {
	Key     string // "server.listen"
	Message string
	Cause   error // may be nil
}

// Error returns "server.listen: message".
func (e *SettingError) Error() string { return e.Key + ": " + e.Message }

// Unwrap returns the system's error.
func (e *SettingError) Unwrap() error { return e.Cause }

// New checks the settings against the platform and loads the TLS files. Errors
// that are about a key are a *SettingError.
func New(options Options) (*Server, error) {
	if options.Handler == nil || options.Error == nil {
		return nil, errors.New("server: Options.Handler and Options.Error are required")
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.RequestID == nil {
		options.RequestID = randomID
	}
	cfg := &options.Config
	if err := checkPlatform(cfg); err != nil {
		return nil, err
	}
	s := &Server{
		options: options,
		log:     options.Log,
		conns:   newRegistry(cfg.MaxConnections, cfg.MaxConnectionsPerIP, options.Ebbed),
		goodbye: make(chan struct{}, maxGoodbyes),
		scratch: sync.Pool{New: func() any { b := make([]byte, 4<<10); return &b }},
	}
	if cfg.TLSCert != "" || cfg.TLSKey != "" {
		s.cert = new(certificate)
		if err := s.ReloadTLS(cfg.TLSCert, cfg.TLSKey); err != nil {
			return nil, err
		}
	}
	s.SetMaxBody(cfg.MaxBody)
	s.http = s.configure()
	return s, nil
}

// SetMaxBody changes from which announced size on a client is not asked for its
// body. That a body is not over the limit is the handler's to see to.
func (s *Server) SetMaxBody(bytes int64) { s.maxBody.Store(bytes) }

// configure returns the HTTP library's server. What is not set here is meant to
// have its default.
func (s *Server) configure() *fasthttp.Server {
	cfg := &s.options.Config
	return &fasthttp.Server{
		Handler:       s.handle,
		ErrorHandler:  s.fail,
		ExpectHandler: s.expect,
		ConnState: func(c net.Conn, state fasthttp.ConnState) {
			if conn := ConnOf(c); conn != nil {
				conn.setState(state)
			}
		},
		Logger: libraryLog{s.log},

		// The host reads bodies, whole and within its limits. The library's own
		// limit then only says how much it may read ahead.
		StreamRequestBody:  true,
		MaxRequestBodySize: int(min(max(cfg.MaxBody, 1), math.MaxInt32)),

		ReadBufferSize:  cfg.HTTPBufferSize,
		WriteBufferSize: cfg.HTTPBufferSize,
		ReadTimeout:     cfg.ReadTimeout,
		IdleTimeout:     cfg.IdleTimeout,
		WriteTimeout:    0, // Conn.Write has its own: the library sets one deadline for all of a response

		// The registry limits connections; the library must never refuse one.
		Concurrency: math.MaxInt32,

		DisablePreParseMultipartForm: true,
		SecureErrorLogMessage:        true,
		NoDefaultContentType:         true,
		NoDefaultServerHeader:        true,
		CloseOnShutdown:              true,
	}
}

// Serve answers connections until Shutdown, and then returns nil. Requests may
// still be running: Shutdown waits for them.
func (s *Server) Serve() error {
	s.mu.Lock()
	if s.listener == nil || s.served != nil {
		defer s.mu.Unlock()
		if s.listener == nil {
			return ErrNotListening
		}
		return ErrServing
	}
	s.served = make(chan struct{})
	l := s.listener
	s.mu.Unlock()
	defer close(s.served)
	return s.http.Serve(s.secure(l))
}

// handle runs the host's handler and sees to what concerns the connection.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	defer s.recover(ctx)
	if expectsUnknown(ctx) {
		s.hangup(ctx, fasthttp.StatusExpectationFailed, "only the expectation 100-continue is known")
		return
	}
	s.options.Handler(ctx)
	if s.draining.Load() {
		ctx.SetConnectionClose()
	}
}

// recover turns a panic of the host's own code into an answer: the library
// recovers none, and one request must not end all others.
func (s *Server) recover(ctx *fasthttp.RequestCtx) {
	reason := recover()
	if reason == nil {
		return
	}
	s.log.Error("panic while answering a request", slog.Any("panic", reason), slog.String("stack", string(debug.Stack())))
	s.hangup(ctx, fasthttp.StatusInternalServerError, "internal error")
}

// Stats is the state of the connections at one moment.
type Stats struct {
	Open                   int    // connections, those that close just now included
	Accepted               uint64 // connections since the start, without the refused ones
	RejectedMaxConnections uint64 // refused at max_connections
	RejectedPerIP          uint64 // refused at max_connections_per_ip
	BytesRead              uint64 // on the wire, TLS records included
	BytesWritten           uint64
}

// Stats returns the state of the connections. It walks over the open ones: call
// it for each scrape, not for each request.
func (s *Server) Stats() Stats { return s.conns.stats() }

// Draining reports that Shutdown has begun.
func (s *Server) Draining() bool { return s.draining.Load() }

// discardFor and discardLimit bound how long and how much of a refused upload is
// read, so that the client comes to read the answer.
const (
	discardFor   = time.Second
	discardLimit = 256 << 10
)
