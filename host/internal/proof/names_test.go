//go:build !race && linux

package proof

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// names is a name server with one service and the addresses of its hosts. It
// answers by UDP and TCP, for as long as the test.
type names struct {
	*machine

	mu      sync.Mutex
	hosts   map[string]string // address by name, such as user-1.internal.
	records []string          // the hosts that the service has now; none: there is no such name
	silent  bool              // it answers nothing
	asked   int               // for the service
}

const (
	service  = "_http._tcp.user.internal."
	seconds  = 1 // how long an answer holds
	typeA    = 1
	typeSRV  = 33
	nxDomain = 3
)

func newNames(t *testing.T, m *machine, hosts map[string]string) *names {
	t.Helper()
	s := &names{machine: m, hosts: hosts}
	err := m.inside(func() error {
		packets, err := net.ListenPacket("udp", m.addr+":53")
		if err != nil {
			return err
		}
		streams, err := net.Listen("tcp", m.addr+":53")
		if err != nil {
			_ = packets.Close()
			return err
		}
		t.Cleanup(func() { _, _ = packets.Close(), streams.Close() })
		go s.servePackets(packets)
		go s.serveStreams(streams)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// list sets the hosts that the service has.
func (s *names) list(hosts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = hosts
}

// hush has the server answer nothing, or answer again.
func (s *names) hush(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = silent
}

// queries returns how often the service was asked for.
func (s *names) queries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *names) servePackets(c net.PacketConn) {
	buf := make([]byte, 1<<12)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := s.answer(buf[:n]); answer != nil {
			_, _ = c.WriteTo(answer, from)
		}
	}
}

func (s *names) serveStreams(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			buf := make([]byte, 1<<12)
			for {
				if _, err := io.ReadFull(c, buf[:2]); err != nil {
					return
				}
				n := int(binary.BigEndian.Uint16(buf))
				if n > len(buf) {
					return
				}
				if _, err := io.ReadFull(c, buf[:n]); err != nil {
					return
				}
				answer := s.answer(buf[:n])
				if answer == nil {
					return
				}
				_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
			}
		}()
	}
}

// answer makes the answer to a query, or nil.
func (s *names) answer(query []byte) []byte {
	name, after := question(query)
	if after == 0 {
		return nil
	}
	kind := binary.BigEndian.Uint16(query[after-4:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent {
		return nil
	}
	code, answers, more := uint16(0), [][]byte(nil), [][]byte(nil)
	switch addr, isHost := s.hosts[name]; {
	case name == service:
		if kind != typeSRV {
			break
		}
		s.asked++
		for _, host := range s.records {
			data := binary.BigEndian.AppendUint16([]byte{0, 10, 0, 1}, 8001) // priority 10, weight 1
			answers = append(answers, record(name, typeSRV, append(data, encode(host)...)))
			more = append(more, record(host, typeA, net.ParseIP(s.hosts[host]).To4()))
		}
		if len(s.records) == 0 {
			code = nxDomain
		}
	case isHost:
		if kind == typeA {
			answers = append(answers, record(name, typeA, net.ParseIP(addr).To4()))
		}
	default:
		code = nxDomain
	}
	head := slices.Clone(query[:2])
	head = binary.BigEndian.AppendUint16(head, 1<<15|1<<10|1<<8|1<<7|code) // an answer, ours, recursive as asked
	for _, n := range []int{1, len(answers), 0, len(more)} {
		head = binary.BigEndian.AppendUint16(head, uint16(n))
	}
	message := append(head, query[12:after]...)
	for _, r := range append(answers, more...) {
		message = append(message, r...)
	}
	return message
}

// question reads the name that a query asks for, and returns where its question
// ends, or 0 when it is none.
func question(query []byte) (name string, after int) {
	var labels []string
	for at := 12; at < len(query); {
		n := int(query[at])
		at++
		if n == 0 {
			if at+4 > len(query) {
				return "", 0
			}
			return strings.ToLower(strings.Join(labels, ".")) + ".", at + 4
		}
		if at+n > len(query) {
			return "", 0
		}
		labels = append(labels, string(query[at:at+n]))
		at += n
	}
	return "", 0
}

func record(name string, kind uint16, data []byte) []byte {
	r := binary.BigEndian.AppendUint16(encode(name), kind)
	r = binary.BigEndian.AppendUint16(r, 1) // of the internet
	r = binary.BigEndian.AppendUint32(r, seconds)
	r = binary.BigEndian.AppendUint16(r, uint16(len(data)))
	return append(r, data...)
}

// encode writes a name that ends in a dot.
func encode(name string) (b []byte) {
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}
