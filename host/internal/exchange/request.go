package exchange

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"

	"github.com/valyala/fasthttp"
)

// Request is what the client sent, as views into the buffers it stands in.
type Request struct {
	Method   []byte
	Target   []byte // the raw request target
	Path     []byte // the target's path, still percent-encoded
	Query    []byte // raw, without "?"
	Host     []byte
	Scheme   string // "http" or "https"
	Protocol []byte
	ID       []byte // X-Request-Id, kept or made
	Head     Head
	Body     []byte
	BodySize int64 // Content-Length; -1 for a chunked body; 0 without one

	address   netip.Addr // the client's; not valid when it has none
	remote    net.Addr   // the client's, when it is no IP address
	idBuf     [32]byte
	remoteBuf [48]byte
}

// What is wrong with a request line. The texts go to the client.
var (
	errProtocol = errors.New("unsupported protocol version; use HTTP/1.1 or HTTP/1.0")
	errTarget   = errors.New("malformed request target")

	errRequestLine = errors.New("malformed request line")
)

// read fills r from a request that the HTTP library has parsed, and refuses what
// the library lets pass although two parties could understand it differently.
// r.ID is usable whatever the result.
func (r *Request) read(ctx *fasthttp.RequestCtx, conn Conn) error {
	header := &ctx.Request.Header
	r.Method = header.Method()
	r.Target = header.RequestURI()
	r.Protocol = header.Protocol()
	r.Scheme = "http"
	if ctx.IsTLS() {
		r.Scheme = "https"
	}
	if conn != nil {
		r.address, r.remote = conn.RemoteIP(), nil // ctx looks in four places for it
	} else {
		r.setRemote(ctx.RemoteAddr())
	}
	r.Body, r.BodySize = nil, 0

	err := r.Head.parse(header.RawHeaders(), wireLines)
	r.identify(r.Head.lookup("x-request-id"))
	if err != nil {
		return err
	}
	http11 := string(r.Protocol) == "HTTP/1.1"
	if !http11 && string(r.Protocol) != "HTTP/1.0" {
		return errProtocol
	}
	if err := r.Head.checkFraming(http11); err != nil {
		return err
	}
	r.Host = r.Head.lookup("host")
	return r.splitTarget()
}

// identify keeps the client's request id when it is sane, and makes one
// otherwise.
func (r *Request) identify(given []byte) {
	if validID(given) {
		r.ID = given
		return
	}
	r.ID = appendID(r.idBuf[:0])
}

// appendID appends a new request id: 128 random bits in hexadecimal.
func appendID(dst []byte) []byte {
	const digits = "0123456789abcdef"
	for _, word := range [2]uint64{rand.Uint64(), rand.Uint64()} {
		for shift := 60; shift >= 0; shift -= 4 {
			dst = append(dst, digits[word>>shift&15])
		}
	}
	return dst
}

// NewID returns a request id for what is answered without an exchange.
func NewID() []byte { return appendID(nil) }

// validID accepts 1 to 128 characters of A-Za-z0-9._-, nothing that could break
// a log line or a header.
func validID(id []byte) bool {
	for _, c := range id {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return 1 <= len(id) && len(id) <= 128
}

// readText fills r from a head as text, "METHOD TARGET HTTP/1.1" and a header a
// line, with the rules of a head from the wire.
func (r *Request) readText(head, body []byte) error {
	line, fields, _ := bytes.Cut(head, []byte{'\n'})
	parts := bytes.Split(line, []byte{' '})
	if len(parts) != 3 || !isToken(parts[0]) {
		return errRequestLine
	}
	r.Method, r.Target, r.Protocol = parts[0], parts[1], parts[2]
	r.Scheme = "http"
	r.Body, r.BodySize = body, int64(len(body))
	err := r.Head.parse(fields, textLines)
	r.identify(r.Head.lookup("x-request-id"))
	if err != nil {
		return err
	}
	if err := r.Head.checkFraming(true); err != nil {
		return err
	}
	r.Host = r.Head.lookup("host")
	return r.splitTarget()
}

// splitTarget finds path and query in the target. An absolute form,
// "http://host/path", carries the host to use (RFC 9112 section 3.2.2).
func (r *Request) splitTarget() error {
	for _, c := range r.Target {
		if c <= ' ' || c >= 0x7f || c == '#' {
			return errTarget
		}
	}
	rest := r.Target
	if len(rest) == 0 {
		return errTarget
	}
	if rest[0] != '/' {
		i := bytes.Index(rest, []byte("://"))
		if i < 0 { // "*", or the authority of CONNECT: no route has such a path
			r.Path, r.Query = rest, nil
			return nil
		}
		if scheme := string(bytes.ToLower(rest[:i])); scheme != "http" && scheme != "https" {
			return errTarget
		}
		rest = rest[i+3:]
		end := bytes.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		r.Host, rest = rest[:end], rest[end:]
		if len(r.Host) == 0 || bytes.IndexByte(r.Host, '@') >= 0 {
			return errTarget
		}
	}
	r.Path, r.Query = rest, nil
	if i := bytes.IndexByte(rest, '?'); i >= 0 {
		r.Path, r.Query = rest[:i], rest[i+1:]
	}
	if len(r.Path) == 0 {
		r.Path = slash
	}
	return nil
}

// slash is the path of an absolute target that has none. Never written to.
var slash = []byte("/")

// HTTP11 reports whether the client understands chunked responses.
func (r *Request) HTTP11() bool { return string(r.Protocol) == "HTTP/1.1" }

// setRemote sets the client's address to that of a connection.
func (r *Request) setRemote(addr net.Addr) {
	r.address, r.remote = netip.Addr{}, addr
	if a, ok := addr.(*net.TCPAddr); ok {
		ip, _ := netip.AddrFromSlice(a.IP)
		r.address = ip.Unmap().WithZone(a.Zone)
	}
}

// appendRemote appends the client's address, without the port.
func (r *Request) appendRemote(dst []byte) []byte {
	switch {
	case r.address.IsValid():
		return r.address.AppendTo(dst)
	case r.remote == nil:
		return dst
	}
	text := r.remote.String()
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	return append(dst, text...)
}

// RemoteOf returns the address of a connection's client, without the port, for
// what is answered without an exchange.
func RemoteOf(ctx *fasthttp.RequestCtx) []byte {
	var r Request
	r.setRemote(ctx.RemoteAddr())
	return r.appendRemote(nil)
}

// RemoteIP returns the client's address; the zero Addr when it has none.
func (r *Request) RemoteIP() netip.Addr { return r.address.WithZone("") }

// Header returns the first value of a header, its name in lower case, and how
// many there are. The value is valid until Release.
func (r *Request) Header(name string) (value []byte, n int) {
	for i := range r.Head.fields {
		if string(r.Head.fields[i].name) == name {
			if n == 0 {
				value = r.Head.fields[i].value
			}
			n++
		}
	}
	return value, n
}

// Remote returns the client's address, without the port. It is valid until
// Release.
func (r *Request) Remote() []byte { return r.appendRemote(r.remoteBuf[:0]) }

// appendDecoded appends path with its percent escapes decoded. A bad escape is
// kept as it is; routing has refused such a path before.
func appendDecoded(dst, path []byte) []byte {
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			hi, lo := unhex(path[i+1]), unhex(path[i+2])
			if hi >= 0 && lo >= 0 {
				dst = append(dst, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		dst = append(dst, path[i])
	}
	return dst
}

// unhex returns the value of a hexadecimal digit, or -1.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
