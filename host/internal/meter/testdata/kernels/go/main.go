// Compute kernels for the metering benchmark, in Go. Each export takes how often
// it repeats its work and returns a checksum. Build with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o kernels.wasm .
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

func main() {}

var (
	data  = make([]byte, 16384)
	words = strings.Repeat("abcabdabe xyz", 30)
)

//go:wasmexport sort
func sortKernel(n int32) (s int32) {
	a := make([]int, 4096)
	for r := range n {
		x := uint32(r) + 1
		for i := range a {
			x = x*1664525 + 1013904223
			a[i] = int(x >> 4)
		}
		sort.Ints(a)
		s += int32(a[r&4095])
	}
	return s
}

//go:wasmexport heapsort
func sortSlice(n int32) (s int32) {
	a := make([]uint32, 1024)
	for r := range n {
		x := uint32(r) + 1
		for i := range a {
			x = x*1664525 + 1013904223
			a[i] = x
		}
		sort.Slice(a, func(i, j int) bool { return a[i] < a[j] })
		s += int32(a[r&1023])
	}
	return s
}

//go:wasmexport sha256
func sha(n int32) (s int32) {
	for range n {
		h := sha256.Sum256(data[:4096])
		s += int32(binary.LittleEndian.Uint32(h[:]))
	}
	return s
}

//go:wasmexport crc32
func crc(n int32) (s int32) {
	for range n {
		s += int32(crc32.ChecksumIEEE(data))
	}
	return s
}

//go:wasmexport matrix
func matrix(n int32) int32 {
	const N = 64
	a, b, c := square(N), square(N), square(N)
	for range n {
		for i := range N {
			for j := range N {
				s := 0.0
				for k := range N {
					s += a[i][k] * b[k][j]
				}
				c[i][j] = s
			}
		}
	}
	return int32(c[3][5])
}

func square(n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
		for j := range m[i] {
			m[i][j] = float64(i - j)
		}
	}
	return m
}

//go:wasmexport mandelbrot
func mandelbrot(n int32) (s int32) {
	for range n {
		for py := range 48 {
			for px := range 48 {
				cx, cy, x, y := float64(px)/24-1.5, float64(py)/24-1, 0.0, 0.0
				i := int32(0)
				for i < 100 && x*x+y*y < 4 {
					x, y = x*x-y*y+cx, 2*x*y+cy
					i++
				}
				s += i
			}
		}
	}
	return s
}

type star struct{ pos, vel [3]float64 }

//go:wasmexport nbody
func nbody(n int32) int32 {
	var stars [5]star
	for i := range stars {
		for k := range 3 {
			stars[i].pos[k] = float64(i*3 + k)
		}
	}
	for range n {
		for i := range stars {
			a := &stars[i]
			for j := i + 1; j < len(stars); j++ {
				b := &stars[j]
				q := 0.01
				for k := range 3 {
					d := a.pos[k] - b.pos[k]
					q += d * d
				}
				for k := range 3 {
					d := (a.pos[k] - b.pos[k]) / q * 0.001
					a.vel[k] -= d
					b.vel[k] += d
				}
			}
		}
		for i := range stars {
			for k := range 3 {
				stars[i].pos[k] += 0.001 * stars[i].vel[k]
			}
		}
	}
	return int32(stars[0].pos[0] * 1000)
}

//go:wasmexport sieve
func sieve(n int32) (s int32) {
	composite := make([]bool, 65536)
	for range n {
		clear(composite)
		for i := 2; i < 256; i++ {
			if !composite[i] {
				for j := i * i; j < len(composite); j += i {
					composite[j] = true
				}
			}
		}
		for _, c := range composite[2:] {
			if !c {
				s++
			}
		}
	}
	return s
}

func fibonacci(n int32) int32 {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

//go:wasmexport fib
func fib(n int32) (s int32) {
	for range n {
		s += fibonacci(20)
	}
	return s
}

//go:wasmexport strings
func build(n int32) (s int32) {
	for range n {
		var b strings.Builder
		for i := range 1000 {
			b.WriteString("item ")
			b.WriteString(strconv.Itoa(i * 7919))
			b.WriteByte('\n')
		}
		s += int32(b.Len())
	}
	return s
}

type user struct {
	ID   int      `json:"id"`
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

//go:wasmexport json
func jsonKernel(n int32) (s int32) {
	for range n {
		users := make([]user, 20)
		for i := range users {
			users[i] = user{i, "user " + strconv.Itoa(i), []string{"a", "bc"}}
		}
		text, err := json.Marshal(users)
		if err != nil {
			return -1
		}
		var back []user
		if err := json.Unmarshal(text, &back); err != nil {
			return -1
		}
		s += int32(len(text) + back[7].ID)
	}
	return s
}

//go:wasmexport regex
func regex(n int32) (s int32) {
	re := regexp.MustCompile(`ab[a-d]+b.\s*x.z`)
	for range n {
		s += int32(len(re.FindAllStringIndex(words, -1)))
	}
	return s
}

//go:wasmexport hashmap
func hashmap(n int32) (s int32) {
	for r := range n {
		m := make(map[uint32]int32)
		x := uint32(r)
		for range 1500 {
			x = x*1664525 + 1013904223
			m[x>>20]++
		}
		s += int32(len(m)) + m[17]
	}
	return s
}

//go:wasmexport base64
func base(n int32) (s int32) {
	to := make([]byte, base64.StdEncoding.EncodedLen(len(data)))
	for r := range n {
		base64.StdEncoding.Encode(to, data)
		s += int32(to[r])
	}
	return s
}

type tree struct {
	left, right *tree
	key         uint32
}

func (t *tree) insert(key uint32) *tree {
	if t == nil {
		return &tree{key: key}
	}
	if key < t.key {
		t.left = t.left.insert(key)
	} else {
		t.right = t.right.insert(key)
	}
	return t
}

func (t *tree) total() uint32 {
	if t == nil {
		return 0
	}
	return t.key + t.left.total() + t.right.total()
}

//go:wasmexport trees
func trees(n int32) int32 {
	s := uint32(0)
	for r := range n {
		var t *tree
		x := uint32(r)
		for range 1000 {
			x = x*1664525 + 1013904223
			t = t.insert(x)
		}
		s += t.total()
	}
	return int32(s)
}
