package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// StartCluster starts a Cluster of n masters that share the slots.
func StartCluster(t testing.TB, n int) []*Server {
	t.Helper()
	var nodes []*Server
	for range n {
		nodes = append(nodes, Start(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-config-file", "nodes.conf",
			"--appendonly", "yes", "--appendfsync", "always"))
	}
	for i, node := range nodes {
		first, last := i*16384/n, (i+1)*16384/n-1
		node.Do(t, "CLUSTER", "ADDSLOTSRANGE", fmt.Sprint(first), fmt.Sprint(last))
		if i > 0 {
			node.Do(t, "CLUSTER", "SET-CONFIG-EPOCH", fmt.Sprint(i+1))
			node.Do(t, "CLUSTER", "MEET", "127.0.0.1", fmt.Sprint(nodes[0].Port))
		}
	}
	for _, node := range nodes {
		node.Until(t, "cluster_state:ok", "CLUSTER", "INFO")
		node.Until(t, fmt.Sprintf("cluster_known_nodes:%d", n), "CLUSTER", "INFO")
	}
	return nodes
}

// StartSentinels starts n Sentinels that watch the master, which so many replicas
// follow. lines are further ones of their file.
func StartSentinels(t testing.TB, n int, master *Server, replicas int, lines ...string) []*Server {
	t.Helper()
	var sentinels []*Server
	for range n {
		file := filepath.Join(t.TempDir(), "sentinel.conf")
		text := fmt.Sprintf("sentinel monitor mymaster 127.0.0.1 %d %d\nsentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 3000\n%s\n",
			master.Port, n/2+1, strings.Join(lines, "\n"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sentinels = append(sentinels, Start(t, "--sentinel", file))
	}
	for _, sentinel := range sentinels {
		sentinel.Until(t, fmt.Sprintf("slaves=%d,sentinels=%d", replicas, n), "INFO", "sentinel")
	}
	return sentinels
}

// Until waits until the answer to a command has a text.
func (s *Server) Until(t testing.TB, text string, args ...string) {
	t.Helper()
	var got string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = s.Do(t, args...); strings.Contains(got, text) {
			return
		}
	}
	t.Fatalf("waited in vain for %q in the answer to %q; it is\n%s", text, args, got)
}
