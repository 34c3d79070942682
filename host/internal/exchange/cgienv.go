package exchange

import (
	"bytes"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/wasmlane/wasmlane/host/internal/wasi"
)

// CheckCGIConfig says why a key of a plugin's config cannot be a variable in the
// environment of a command, or returns "".
func CheckCGIConfig(key, value string) string {
	switch {
	case !isVariable(key):
		return `is no name of a variable; write letters, digits and "_", no digit first`
	case slices.Contains(cgiVariables, key), strings.HasPrefix(key, "HTTP_"), strings.HasPrefix(key, "PARAM_"):
		return "is a variable that tells of the request; give it another name"
	case strings.IndexByte(value, 0) >= 0:
		return "holds a zero byte, where a variable ends; remove it"
	}
	return ""
}

// cgiVariables are the names that a request may set, beside HTTP_ and PARAM_, and
// those that RFC 3875 keeps for a server that sets them.
var cgiVariables = []string{
	"AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "GATEWAY_INTERFACE", "HTTPS", "PATH_INFO", "PATH_TRANSLATED",
	"QUERY_STRING", "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_USER", "REQUEST_ID", "REQUEST_METHOD",
	"REQUEST_SCHEME", "REQUEST_URI", "SCRIPT_NAME", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE",
}

func isVariable(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// cgiEnviron writes the request as variables. Nothing in a request that was let
// in holds a zero byte.
func (x *Exchange) cgiEnviron(e *wasi.Strings) {
	r := &x.Request
	set := func(name string, value []byte) {
		e.Block = append(append(e.Block, name...), '=')
		e.Block = append(e.Block, value...)
		e.End()
	}
	e.Add("GATEWAY_INTERFACE=CGI/1.1")
	e.Add("SERVER_SOFTWARE=wasmlane")
	set("SERVER_PROTOCOL", r.Protocol)
	name, port := x.serverName()
	e.Add("SERVER_NAME=", name)
	e.Add("SERVER_PORT=", port)
	set("REQUEST_METHOD", r.Method)
	set("REQUEST_URI", r.Target)
	e.Add("REQUEST_SCHEME=", r.Scheme)
	if r.Scheme == "https" {
		e.Add("HTTPS=on")
	}
	script, info := x.splitPath()
	set("SCRIPT_NAME", script)
	set("PATH_INFO", info)
	set("QUERY_STRING", r.Query)
	set("REMOTE_ADDR", r.appendRemote(nil))
	set("REQUEST_ID", r.ID)
	// The body has been received, so its length is known however it was sent.
	if len(r.Body) > 0 || r.BodySize < 0 || r.Head.lookup("content-length") != nil {
		e.Add("CONTENT_LENGTH=", strconv.Itoa(len(r.Body)))
	}
	if kind := r.Head.lookup("content-type"); kind != nil {
		set("CONTENT_TYPE", kind)
	}
	x.cgiHeaders(e)
	if p := x.Params; p != nil {
		for i := range p.Len() {
			set("PARAM_"+strings.ToUpper(p.Name(i)), p.Value(i))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(x.Plugin.Config)) {
		e.Add(name, "=", x.Plugin.Config[name])
	}
}

// cgiHeaders writes HTTP_NAME for every header that is not left out.
func (x *Exchange) cgiHeaders(e *wasi.Strings) {
	head := &x.Request.Head
	for i := range head.fields {
		name := head.fields[i].name
		if !cgiPasses(name) || head.seenBefore(i) {
			continue
		}
		e.Block = append(e.Block, "HTTP_"...)
		for _, c := range name {
			switch {
			case c == '-':
				c = '_'
			case 'a' <= c && c <= 'z':
				c -= 'a' - 'A'
			}
			e.Block = append(e.Block, c)
		}
		separator := byte('=')
		for j := i; j < len(head.fields); j++ {
			if !bytes.Equal(head.fields[j].name, name) {
				continue
			}
			switch {
			case separator == '=':
				e.Block = append(e.Block, separator)
				separator = ','
			case string(name) == "cookie":
				e.Block = append(e.Block, "; "...)
			default:
				e.Block = append(e.Block, ", "...)
			}
			e.Block = append(e.Block, head.fields[j].value...)
		}
		e.End()
	}
}

// cgiPasses reports whether a header becomes a variable. "Proxy" does not, since
// programs take HTTP_PROXY for the address of a proxy (CVE-2016-5385). Nor do
// names with other characters than letters, digits and "-": "X_User" would be the
// same variable as "X-User", which a proxy in front may have checked.
func cgiPasses(name []byte) bool {
	switch string(name) {
	case "content-type", "content-length", "proxy":
		return false
	}
	for _, c := range name {
		if c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return !hopByHop(name)
}

// splitPath returns SCRIPT_NAME and PATH_INFO, which together are the decoded
// path: what {rest...} of the route stands for is PATH_INFO, with its slash. A
// route without one leaves PATH_INFO empty. Without any route, as `wasmlane
// invoke` has it, all of the path is PATH_INFO.
func (x *Exchange) splitPath() (script, info []byte) {
	path := appendDecoded(nil, x.Request.Path)
	if !strings.HasPrefix(x.Route, "/") {
		return nil, path
	}
	pattern, ok := strings.CutSuffix(x.Route, "...}")
	if !ok || x.Params == nil {
		return path, nil
	}
	rest, ok := x.Params.Get([]byte(pattern[strings.LastIndexByte(pattern, '{')+1:]))
	if at := len(path) - len(rest) - 1; ok && at >= 0 && path[at] == '/' {
		return path[:at], path[at:]
	}
	return path, nil
}

// serverName returns SERVER_NAME, which is what the client called the host, and
// SERVER_PORT, which is where the request came in.
func (x *Exchange) serverName() (name, port string) {
	port = "80"
	if x.Request.Scheme == "https" {
		port = "443"
	}
	name = string(x.Request.Host)
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
		if strings.Contains(host, ":") {
			name = "[" + host + "]" // RFC 3875 section 4.1.14
		}
	}
	if x.ctx != nil {
		if a, ok := x.ctx.LocalAddr().(*net.TCPAddr); ok {
			port = strconv.Itoa(a.Port)
			if name == "" { // HTTP/1.0
				name = a.IP.String()
			}
		}
	}
	if name == "" {
		name = "localhost"
	}
	return name, port
}
