package kv

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// dialer makes the connections of a store.
type dialer struct {
	options RedisOptions
	last    atomic.Int64 // when a server last answered, in Unix nanoseconds

	mu   sync.Mutex
	open map[*guarded]struct{}
}

func newDialer(o RedisOptions) *dialer {
	return &dialer{options: o, open: make(map[*guarded]struct{})}
}

// option returns what all connections have in common.
//
// Nothing is sent twice: whether a command whose answer was lost has been carried
// out is not known, and an Add must not count twice. A command that a node of a
// Cluster has redirected, or a script that the server does not know, has not been.
func (d *dialer) option(o RedisOptions) rueidis.ClientOption {
	return rueidis.ClientOption{
		Username:      o.User,
		Password:      o.Password,
		SelectDB:      o.Database,
		ClientName:    "wasmlane",
		ClientSetInfo: rueidis.DisableClientSetInfo,
		TLSConfig:     o.TLS,
		DialCtxFn:     d.dial,

		DisableRetry: true,
		DisableCache: true, // the server would have to remember who has read what

		AlwaysPipelining:    true, // or a lost connection is noticed by the next command
		PipelineMultiplex:   -1,   // one connection
		RingScaleEachConn:   ringScale,
		ReadBufferEachConn:  bufferSize,
		WriteBufferEachConn: bufferSize,

		Dialer:           net.Dialer{Timeout: dialTimeout, KeepAlive: probeEvery},
		ConnWriteTimeout: writeTimeout,
		ClusterOption:    rueidis.ClusterOption{MaxMovedRedirections: 5},
	}
}

// dial connects to the server at address, or, with Sentinels, to the master that
// they name at this moment.
func (d *dialer) dial(ctx context.Context, address string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if d.options.Master != "" {
		master, err := d.findMaster(ctx)
		if err != nil {
			return nil, err
		}
		address = master
	}
	return d.connect(ctx, address)
}

func (d *dialer) connect(ctx context.Context, address string) (net.Conn, error) {
	var c net.Conn
	var err error
	if d.options.TLS == nil {
		c, err = new(net.Dialer).DialContext(ctx, "tcp", address)
	} else {
		config := d.options.TLS.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(address)
		}
		c, err = (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, err
	}
	discardOnClose(c)
	g := guard(c)
	g.answered = func() { d.last.Store(time.Now().UnixNano()) }
	g.closed = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.open, g)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[g] = struct{}{}
	return g, nil
}

// discardOnClose has the system forget what it could not send, instead of trying on
// behind a connection that was closed. Where a link is down and comes back, a write
// that was given up long ago would else be carried out then, over what others have
// written since. When all is well there is nothing to send: a connection is closed
// after the answers to all that was.
func discardOnClose(c net.Conn) {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// drop closes all connections, so that the next command makes a new one.
func (d *dialer) drop() {
	d.mu.Lock()
	open := make([]*guarded, 0, len(d.open))
	for g := range d.open {
		open = append(open, g)
	}
	d.mu.Unlock()
	for _, g := range open {
		_ = g.Close()
	}
}

// answered returns when a server last answered.
func (d *dialer) answered() time.Time { return time.Unix(0, d.last.Load()) }

// findMaster asks all Sentinels at once for the address of the master, and takes the
// first answer: some of them may be down when the master is.
func (d *dialer) findMaster(ctx context.Context) (address string, err error) {
	type answer struct {
		address string
		err     error
	}
	answers := make(chan answer, len(d.options.Addresses))
	for _, sentinel := range d.options.Addresses {
		go func() {
			address, err := d.askSentinel(ctx, sentinel, d.options.User, d.options.Password)
			if _, refused := rueidis.IsRedisErr(err); refused && !rueidis.IsRedisNil(err) && d.options.Password != "" {
				// Sentinels have users of their own, most often none.
				address, err = d.askSentinel(ctx, sentinel, "", "")
			}
			if rueidis.IsRedisNil(err) {
				err = fmt.Errorf("it knows no master %q", d.options.Master)
			}
			if err != nil {
				err = fmt.Errorf("the Sentinel at %s: %w", sentinel, d.reason(err))
			}
			answers <- answer{address, err}
		}()
	}
	for range d.options.Addresses {
		a := <-answers
		if a.err == nil {
			return a.address, nil
		}
		if err == nil {
			err = a.err
		} else {
			err = fmt.Errorf("%w; %w", err, a.err)
		}
	}
	return "", err
}

func (d *dialer) askSentinel(ctx context.Context, sentinel, user, password string) (address string, err error) {
	o := d.option(RedisOptions{User: user, Password: password, TLS: d.options.TLS})
	o.InitAddress = []string{sentinel}
	o.ForceSingleClient = true
	o.AlwaysPipelining = false
	o.Dialer.Timeout = dialTimeout / 2
	o.DialCtxFn = func(_ context.Context, address string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
		return d.connect(ctx, address)
	}
	c, err := rueidis.NewClient(o)
	if c != nil {
		defer c.Close()
	}
	if err != nil {
		return "", err
	}
	found, err := c.Do(ctx, c.B().SentinelGetMasterAddrByName().Master(d.options.Master).Build()).AsStrSlice()
	if err != nil {
		return "", err
	}
	if len(found) != 2 {
		return "", errProtocol
	}
	return net.JoinHostPort(found[0], found[1]), nil
}
