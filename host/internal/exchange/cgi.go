package exchange

import (
	"errors"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/wasi"
)

// cgi is the CGI/1.1 side of an exchange (RFC 3875) that a WASI command answers:
// the request in its environment and standard input, the response on standard
// output.
type cgi struct {
	args, environ wasi.Strings

	head    []byte // of the response, until its empty line has come
	seen    int    // how much of head is whole lines
	hasHead bool
}

// CGIError is what is wrong with what a command wrote. It is for the log.
type CGIError struct{ Err error }

// Error returns the reason.
func (e *CGIError) Error() string { return "CGI response: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *CGIError) Unwrap() error { return e.Err }

// errOverflow ends a command that writes on past max_response.
var errOverflow = errors.New("response over max_response")

// BeginCGI has a command answer the exchange. Plugin and Route are set by then.
func (x *Exchange) BeginCGI() {
	x.cgi = new(cgi)
	x.cgi.args.Add(x.Plugin.Name)
	x.cgiEnviron(&x.cgi.environ)
}

// EndCGI is called when the command has ended well. The error, a *CGIError, says
// what the output lacks to be a response.
func (x *Exchange) EndCGI() error {
	switch c := x.cgi; {
	case c.hasHead:
		return nil
	case len(c.head) == 0:
		return &CGIError{errCGINothing}
	default:
		// What is wrong in the lines so far says more than that they end.
		var head cgiHead
		if err := head.parse(c.head); err != nil {
			return &CGIError{err}
		}
		return &CGIError{errCGIOpen}
	}
}

// cgiWrite takes what a command writes to standard output.
func (x *Exchange) cgiWrite(p []byte) error {
	if x.gone() {
		return ErrClosed
	}
	if !x.cgi.hasHead {
		var err error
		if p, err = x.cgiWriteHead(p); err != nil {
			return err
		}
	}
	if x.written+int64(len(p)) > x.Plugin.MaxResponse {
		x.overflow = true
		return errOverflow
	}
	x.written += int64(len(p))
	x.Response.AppendBody(p)
	return nil
}

// cgiWriteHead takes what belongs to the head and returns the rest.
func (x *Exchange) cgiWriteHead(p []byte) (body []byte, err error) {
	c := x.cgi
	before := len(c.head)
	room := abi.MaxResponseHead - before
	c.head = append(c.head, p[:min(len(p), room)]...)
	end, whole := cgiHeadEnd(c.head, c.seen)
	c.seen = end
	var head cgiHead
	switch {
	case whole:
		if err := head.parse(c.head[:end]); err != nil {
			return nil, &CGIError{err}
		}
	case len(p) > room:
		if end == 0 {
			end = len(c.head) // the one line there is shows whether it is a header
		}
		if err := head.parse(c.head[:end]); err != nil {
			return nil, &CGIError{err}
		}
		return nil, &CGIError{errCGILong}
	default:
		return nil, nil
	}
	x.Response.SetStatusCode(head.status)
	for _, f := range head.fields {
		if equalFold("x-request-id", f.name) { // the host has set it
			x.Response.Header.DelBytes(f.name)
		}
		x.Response.Header.AddBytesKV(f.name, f.value)
	}
	c.head, c.hasHead = nil, true
	return p[end-before:], nil
}

// notCGI ends a command that answers by the functions of the abi as well: the
// response would have two authors.
func (x *Exchange) notCGI(function string) {
	if x.cgi != nil {
		panic(&Misuse{Function: function, Problem: "a WASI command answers on standard output"})
	}
}

// Args returns a command's arguments: the plugin's name. It implements wasi.Env,
// as what follows does.
func (x *Exchange) Args() wasi.Strings {
	if x.cgi == nil {
		return wasi.Strings{}
	}
	return x.cgi.args
}

// Environ returns a command's environment.
func (x *Exchange) Environ() wasi.Strings {
	if x.cgi == nil {
		return wasi.Strings{}
	}
	return x.cgi.environ
}

// Command reports whether a command answers the exchange.
func (x *Exchange) Command() bool { return x.cgi != nil }

// Input reads on in the request's body, for a command.
func (x *Exchange) Input(p []byte) int {
	n := copy(p[:min(len(p), x.Unread())], x.Request.Body[x.bodyRead:])
	x.bodyRead += n
	return n
}

// Unread returns how much a command has not read of the body.
func (x *Exchange) Unread() int {
	if x.cgi == nil {
		return 0
	}
	return len(x.Request.Body) - x.bodyRead
}
