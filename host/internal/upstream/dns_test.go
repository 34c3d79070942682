package upstream

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers on a port of the loopback interface, over UDP and TCP, as a test
// tells it to.
type nameServer struct {
	addr string
	asks atomic.Int64 // questions for SRV records

	tcp net.Listener

	mu     sync.Mutex
	answer func(question dnsmessage.Question, tcp bool) dnsmessage.Message
	raw    func(query []byte) [][]byte // instead
}

// zone is what a server has for every SRV question.
type zone []srv

type srv struct {
	name             string
	port             uint16
	priority, weight uint16
	ttl              uint32
}

func (z zone) answer(q dnsmessage.Question, tcp bool) dnsmessage.Message {
	m := dnsmessage.Message{Header: dnsmessage.Header{RecursionAvailable: true}}
	if q.Type == dnsmessage.TypeA {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		})
		return m
	}
	if q.Type != dnsmessage.TypeSRV {
		return m
	}
	if len(z) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	}
	if !tcp && len(z) > 3 {
		z = z[:3] // as Consul does: m.Truncated is not set
	}
	for _, r := range z {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: r.ttl},
			Body:   &dnsmessage.SRVResource{Priority: r.priority, Weight: r.weight, Port: r.port, Target: dnsmessage.MustNewName(r.name)},
		})
	}
	return m
}

func (s *nameServer) set(z zone) { s.setAnswer(z.answer) }

func (s *nameServer) setAnswer(answer func(dnsmessage.Question, bool) dnsmessage.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.raw = answer, nil
}

func (s *nameServer) setRaw(raw func(query []byte) [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw = raw
}

// newNameServer starts a server that knows no names.
func newNameServer(t *testing.T) *nameServer {
	t.Helper()
	s := new(nameServer)
	s.set(nil)
	udp, tcp := listenBoth(t)
	s.addr, s.tcp = udp.LocalAddr().String(), tcp
	var running sync.WaitGroup
	running.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			for _, m := range s.respond(buf[:n], false) {
				_, _ = udp.WriteTo(m, from)
			}
		}
	})
	running.Go(func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			s.stream(c)
		}
	})
	t.Cleanup(func() {
		_ = udp.Close()
		_ = tcp.Close()
		running.Wait()
	})
	return s
}

// listenBoth finds a port that is free for both.
func listenBoth(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp
		}
		_ = udp.Close()
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

// stream answers the questions of one connection over TCP.
func (s *nameServer) stream(c net.Conn) {
	defer c.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		for _, m := range s.respond(query, true) {
			binary.BigEndian.PutUint16(size[:], uint16(len(m)))
			// In pieces: a read need not be a message.
			_, _ = c.Write(size[:1])
			_, _ = c.Write(append(size[1:], m...))
		}
	}
}

func (s *nameServer) respond(query []byte, tcp bool) [][]byte {
	var q dnsmessage.Message
	if q.Unpack(query) != nil || len(q.Questions) != 1 {
		return nil
	}
	if q.Questions[0].Type == dnsmessage.TypeSRV {
		s.asks.Add(1)
	}
	s.mu.Lock()
	answer, raw := s.answer, s.raw
	s.mu.Unlock()
	if raw != nil {
		return raw(query)
	}
	m := answer(q.Questions[0], tcp)
	m.ID, m.Response, m.Questions = q.ID, true, q.Questions
	packed, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return [][]byte{packed}
}
