package kv

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/redis/rueidis"
)

// reason is an error without what differs from one connection to the next, and
// with what to do about it, where that is known.
func (d *dialer) reason(err error) error {
	if e, ok := rueidis.IsRedisErr(err); ok {
		text := d.hide(e.Error())
		advice := ""
		switch code, _, _ := strings.Cut(text, " "); code {
		case "MOVED", "ASK":
			advice = "; this is a node of a Cluster: write redis+cluster:// in store.url"
		case "NOAUTH", "WRONGPASS":
			advice = "; correct the user and the password in store.url"
		}
		return fmt.Errorf("it answers %.200q%s", text, advice)
	}
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op != "dial":
		err = fmt.Errorf("%s: %w", op.Op, op.Err) // without the address of this end
	case errors.Is(err, rueidis.ErrClosing):
		err = errors.New("the connection was closed")
	}
	if advice := d.adviseTLS(err, op); advice != "" {
		return fmt.Errorf("%w; %s", err, advice)
	}
	return err
}

// adviseTLS says what to do about a server that takes connections and has never
// answered: it may wait for a handshake, or have got one that it does not know.
func (d *dialer) adviseTLS(err error, op *net.OpError) string {
	if d.last.Load() != 0 {
		return ""
	}
	var record tls.RecordHeaderError
	broke := op != nil && op.Op != "dial" || errors.Is(err, io.EOF) || errors.Is(err, errProtocol)
	switch {
	case d.options.TLS == nil && broke:
		return "if it speaks TLS, begin store.url with rediss"
	case d.options.TLS != nil && (errors.Is(err, errSilent) || errors.As(err, &record)):
		return "if it does not speak TLS, begin store.url with redis, not rediss"
	}
	return ""
}

// hide returns what a server says without the password, which it has been told.
// Redis repeats the arguments of a command that it does not know, AUTH among them,
// and cuts them short.
func (d *dialer) hide(text string) string {
	text, _, _ = strings.Cut(text, ", with args beginning with")
	if d.options.Password != "" {
		text = strings.ReplaceAll(text, d.options.Password, "(hidden)")
	}
	return text
}
