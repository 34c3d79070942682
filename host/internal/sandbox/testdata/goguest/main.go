//go:build wasip1

// Command goguest is a plugin in plain Go, without an SDK, that uses what the
// runtime asks of WASI. Build with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared
package main

import (
	"bufio"
	crand "crypto/rand"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func main() {}

var (
	started = time.Now()
	calls   int
	keep    [][]byte
)

//go:wasmexport nothing
func nothing() {}

//go:wasmexport say
func say() {
	fmt.Println("to stdout")
	fmt.Fprintln(os.Stderr, "to stderr")
}

//go:wasmexport count
func count() {
	calls++
	fmt.Println(calls)
}

//go:wasmexport nap
func nap() {
	began := time.Now()
	time.Sleep(20 * time.Millisecond)
	fmt.Println(time.Since(began) >= 20*time.Millisecond, time.Since(began) < 10*time.Second)
}

//go:wasmexport long_nap
func longNap() { time.Sleep(time.Hour) }

//go:wasmexport clock
func clock() {
	fmt.Println(time.Now().UnixMilli(), started.UnixMilli(), !time.Now().Before(started))
}

//go:wasmexport random
func random() {
	var b [16]byte
	if _, err := crand.Read(b[:]); err != nil {
		panic(err)
	}
	fmt.Printf("%x %x\n", b, rand.Uint64())
}

//go:wasmexport goroutines
func goroutines() {
	results := make(chan int)
	var wait sync.WaitGroup
	for i := range 50 {
		wait.Go(func() {
			runtime.Gosched()
			if i%10 == 0 {
				time.Sleep(time.Millisecond)
			}
			results <- i
		})
	}
	go func() { wait.Wait(); close(results) }()
	sum := 0
	for n := range results {
		sum += n
	}
	fmt.Println(sum)
}

//go:wasmexport surroundings
func surroundings() {
	_, err := bufio.NewReader(os.Stdin).ReadByte()
	fmt.Println(len(os.Args), len(os.Environ()), err == io.EOF)
	_, err = os.ReadFile("/etc/passwd")
	fmt.Println(err)
	_, err = os.Create("file")
	fmt.Println(err)
	fmt.Println(syscall.Close(1))
	fmt.Println("still there")
}

//go:wasmexport exit
func exit() { os.Exit(3) }

//go:wasmexport fail
func fail() { panic("something is wrong") }

//go:wasmexport null
func null() {
	var p *struct{ n int }
	fmt.Println(p.n)
}

//go:wasmexport deadlock
func deadlock() { select {} }

//go:wasmexport spin
func spin() {
	for {
		calls++
	}
}

//go:wasmexport fill
func fill() {
	for {
		keep = append(keep, make([]byte, 1<<20))
	}
}
