package native

import (
	"math/rand/v2"
	"os"

	"github.com/wasmlane/wasmlane/sdk/go/internal/abi"
)

// initial is the host while the plugin's package initialises: there is no request,
// no config and nothing in the store, and writes are denied.
type initial struct{}

func (initial) Log(_ uint32, message string) { os.Stderr.WriteString("log: " + message + "\n") }

func (initial) Config(string, []byte) int32 { return abi.Absent }

func (initial) KVGet(string, []byte) int32                     { return abi.Absent }
func (initial) KVList(string, string, []byte) int32            { return abi.Absent }
func (initial) KVSet(string, string) int32                     { return abi.Denied }
func (initial) KVDelete(string) int32                          { return abi.Denied }
func (initial) KVAdd(string, int64) (int64, int32)             { return 0, abi.Denied }
func (initial) KVSwap(string, string, bool, string) int32      { return abi.Denied }
func (initial) Rand() *rand.Rand                               { return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) }
func (initial) Request(uint32, []byte) int32                   { panic(noRequest("request")) }
func (initial) Param(string, []byte) int32                     { panic(noRequest("param")) }
func (initial) Query(string, uint32, []byte) int32             { panic(noRequest("query")) }
func (initial) Header(string, uint32, []byte) int32            { panic(noRequest("header")) }
func (initial) HeaderName(uint32, []byte) int32                { panic(noRequest("header_name")) }
func (initial) BodySize() int64                                { panic(noRequest("body_size")) }
func (initial) Body([]byte) int32                              { panic(noRequest("body")) }
func (initial) Status(uint32)                                  { panic(noRequest("status")) }
func (initial) SetHeader(string, string) int32                 { panic(noRequest("set_header")) }
func (initial) AddHeader(string, string) int32                 { panic(noRequest("add_header")) }
func (initial) Write([]byte) int32                             { panic(noRequest("write")) }
func (initial) Flush() int32                                   { panic(noRequest("flush")) }
func (initial) Call(string, string, string) int32              { panic(noRequest("call")) }
func (initial) CallStatus(int32) int32                         { panic(noRequest("call_status")) }
func (initial) CallHeader(int32, string, uint32, []byte) int32 { panic(noRequest("call_header")) }
func (initial) CallBody(int32, []byte) int32                   { panic(noRequest("call_body")) }
func (initial) CallClose(int32)                                { panic(noRequest("call_close")) }

func noRequest(function string) string {
	return "wasmlane: " + function + ": there is no request while the plugin initialises"
}
