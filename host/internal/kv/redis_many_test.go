package kv

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/kv/redistest"
)

// certificate makes a certificate for 127.0.0.1 and returns the files with it and its
// key, and a pool that trusts it.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	cert, key = write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER)
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return cert, key, pool
}

func TestRedisTLS(t *testing.T) {
	cert, key, pool := certificate(t)
	server := redistest.Start(t, "--tls-port", "PORT", "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no", "--requirepass", "hunter2")
	at := []string{server.Addr}
	testStoreBriefly(t, openRedisAt(t, RedisOptions{Addresses: at, Password: "hunter2", TLS: &tls.Config{RootCAs: pool}}))

	_, _, err := refusal(t, RedisOptions{Addresses: at, Password: "hunter2", TLS: &tls.Config{}})
	if !strings.Contains(err.Error(), "x509") {
		t.Error("an unknown authority:", err)
	}
	_, _, err = refusal(t, RedisOptions{Addresses: at, Password: "hunter2", TLS: &tls.Config{RootCAs: pool, ServerName: "elsewhere"}})
	if !strings.Contains(err.Error(), "elsewhere") {
		t.Error("another name:", err)
	}
	refusal(t, RedisOptions{Addresses: at, Password: "hunter2"}) // no TLS
	plain := redistest.Start(t)
	refusal(t, RedisOptions{Addresses: []string{plain.Addr}, TLS: &tls.Config{RootCAs: pool}})
}

// TestRedisCluster: keyspaces are spread over the nodes, each on one; with a node go
// only its own, and come back with it.
func TestRedisCluster(t *testing.T) {
	nodes := redistest.StartCluster(t, 3)
	for _, node := range nodes {
		// Or a Cluster with a node down serves nothing at all.
		node.Do(t, "CONFIG", "SET", "cluster-require-full-coverage", "no")
	}
	var told changes
	s := openRedisAt(t, RedisOptions{Addresses: []string{nodes[1].Addr, "127.0.0.1:1"}, Cluster: true, Changed: told.add})
	testStoreBriefly(t, s)
	const spaces = 12
	for i := range spaces {
		space := s.Keyspace(fmt.Sprint("space", i))
		for _, key := range []string{"b", "a", "c"} {
			mustSet(t, space, key, fmt.Sprint(key, i))
		}
	}
	for i := range spaces {
		space := s.Keyspace(fmt.Sprint("space", i))
		if keys := strings.Join(list(t, space, ""), ""); keys != "abc" {
			t.Errorf("keyspace %d has %q", i, keys)
		}
		mustGet(t, space, "b", fmt.Sprint("b", i))
	}
	for _, node := range nodes {
		if n := node.Do(t, "DBSIZE"); n == "0" {
			t.Errorf("the node at %s has no key", node.Addr)
		}
	}

	nodes[0].Kill()
	until(t, "the store to go down", func() bool { return s.Health() != nil })
	working := func() (n int) {
		for i := range spaces {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			_, err := s.Keyspace(fmt.Sprint("space", i)).Add(ctx, []byte("n"), 1)
			cancel()
			if err == nil {
				n++
			} else if !errors.Is(err, ErrUnavailable) {
				t.Error(err)
			}
		}
		return n
	}
	var some int
	until(t, "the other nodes to go on", func() bool { some = working(); return some > 0 && some < spaces })
	nodes[0].Restart(t)
	until(t, "all to work", func() bool { return working() == spaces })
	until(t, "the store to be up", func() bool { return s.Health() == nil })
	for i := range spaces {
		mustGet(t, s.Keyspace(fmt.Sprint("space", i)), "b", fmt.Sprint("b", i))
	}
}

// TestRedisClusterPaused: a node that answers nothing holds up its own keyspaces
// only, and those not for long.
func TestRedisClusterPaused(t *testing.T) {
	nodes := redistest.StartCluster(t, 2)
	for _, node := range nodes {
		node.Do(t, "CONFIG", "SET", "cluster-node-timeout", "60000") // the others must not notice first
	}
	s := openRedisAt(t, RedisOptions{Addresses: []string{nodes[0].Addr}, Cluster: true})
	var spaces [2]Keyspace // by their node
	for i := 0; spaces[0] == nil || spaces[1] == nil; i++ {
		name := fmt.Sprint("space", i)
		space := s.Keyspace(name)
		mustSet(t, space, "k", "1")
		for n, node := range nodes {
			values, _ := redisKeys(name)
			if slot := node.Do(t, "CLUSTER", "COUNTKEYSINSLOT", node.Do(t, "CLUSTER", "KEYSLOT", values)); slot != "0" {
				spaces[n] = space
			}
		}
	}
	nodes[0].Pause(t)
	defer nodes[0].Resume(t)
	start := time.Now()
	if err := spaces[0].Set(t.Context(), []byte("k"), nil); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("it took %v", took)
	}
	mustSet(t, spaces[1], "k", "2")
	until(t, "refusals at once", func() bool { return errors.Is(spaces[0].Set(t.Context(), []byte("k"), nil), ErrReported) })
	mustSet(t, spaces[1], "k", "3")
	nodes[0].Resume(t)
	until(t, "the node to be back", func() bool { return spaces[0].Set(t.Context(), []byte("k"), []byte("4")) == nil })
}

// TestRedisClusterMoves: a slot that moves to another node takes its keyspace along.
func TestRedisClusterMoves(t *testing.T) {
	nodes := redistest.StartCluster(t, 2)
	s := openRedisAt(t, RedisOptions{Addresses: []string{nodes[0].Addr}, Cluster: true})
	space := s.Keyspace("a")
	mustSet(t, space, "k", "1")
	values, keys := redisKeys("a")
	slot := nodes[0].Do(t, "CLUSTER", "KEYSLOT", values)
	from, to := nodes[0], nodes[1]
	if n := from.Do(t, "DBSIZE"); n == "0" {
		from, to = to, from
	}
	fromID, toID := from.Do(t, "CLUSTER", "MYID"), to.Do(t, "CLUSTER", "MYID")
	to.Do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", fromID)
	from.Do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
	from.Do(t, "MIGRATE", "127.0.0.1", fmt.Sprint(to.Port), "", "0", "5000", "KEYS", values, keys)
	for _, node := range []*redistest.Server{to, from} {
		node.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", toID)
	}
	var sum int64
	until(t, "the keyspace on the other node", func() bool {
		var err error
		sum, err = space.Add(t.Context(), []byte("k"), 1)
		return err == nil
	})
	if sum != 2 {
		t.Errorf("the sum is %d", sum)
	}
	if n := from.Do(t, "DBSIZE"); n != "0" {
		t.Errorf("the old node has %s keys", n)
	}
	// Whoever writes redis:// for a Cluster is told so.
	plain := openRedisAt(t, RedisOptions{Addresses: []string{from.Addr}})
	if _, err := plain.Keyspace("a").Get(t.Context(), nil, []byte("k")); err == nil || !strings.Contains(err.Error(), "redis+cluster://") {
		t.Error(err)
	}
}

// TestRedisSentinel: when the master is gone the store finds the one that the
// Sentinels have made, though one of them is down and one silent.
func TestRedisSentinel(t *testing.T) {
	auth := []string{"--requirepass", "hunter2", "--masterauth", "hunter2", "--appendonly", "yes"}
	master, replica := redistest.Start(t, auth...), redistest.Start(t, auth...)
	sentinels := startSentinels(t, master, replica)
	var told changes
	o := RedisOptions{Addresses: []string{"127.0.0.1:1"}, Master: "mymaster", Password: "hunter2", Changed: told.add}
	for _, sentinel := range sentinels {
		o.Addresses = append(o.Addresses, sentinel.Addr)
	}
	s := openRedisAt(t, o)
	testStoreBriefly(t, s)
	space := s.Keyspace("a")
	mustSet(t, space, "k", "1")
	until(t, "the replica to have it", func() bool {
		return strings.Contains(replica.Do(t, "-a", "hunter2", "HGET", "wasmlane:{a}:values", "k"), "1")
	})
	sentinels[0].Pause(t)
	defer sentinels[0].Resume(t)
	master.Kill()
	until(t, "the store to go down", func() bool { return s.Health() != nil })
	works(t, s)
	mustGet(t, space, "k", "1")
	if role := replica.Do(t, "-a", "hunter2", "ROLE"); !strings.Contains(role, "master") {
		t.Errorf("the replica is %s", role)
	}
	if all := told.all(); len(all) < 2 || all[len(all)-1] != "back" {
		t.Errorf("it told %q", all)
	}

	_, _, err := refusal(t, RedisOptions{Addresses: o.Addresses[2:], Master: "other", Password: "hunter2"})
	if !strings.Contains(err.Error(), `no master "other"`) {
		t.Error(err)
	}
}

func startSentinels(t *testing.T, master, replica *redistest.Server) []*redistest.Server {
	t.Helper()
	replica.Do(t, "-a", "hunter2", "REPLICAOF", "127.0.0.1", fmt.Sprint(master.Port))
	replica.Until(t, "master_link_status:up", "-a", "hunter2", "INFO", "replication")
	return redistest.StartSentinels(t, 3, master, 1, "sentinel auth-pass mymaster hunter2")
}
