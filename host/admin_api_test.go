package host

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// The admin API through its real listener.

const adminToken = "0123456789abcdef"

// guarded are keys of a host that takes uploads.
const guarded = "admin.listen = \"127.0.0.1:0\"\nadmin.token = \"" + adminToken + "\"\nadmin.upload = true\n"

// operate sends a request to the admin listener with the token, and reads the
// answer, which must be JSON, into document.
func (r *rig) operate(method, path string, body []byte, document any) int {
	r.t.Helper()
	a := r.operateWith(method, path, bytes.NewReader(body), "Authorization: Bearer "+adminToken)
	if err := json.Unmarshal([]byte(a.body), document); err != nil {
		r.t.Fatalf("%s %s: %v in %v", method, path, err, a)
	}
	return a.status
}

func (r *rig) operateWith(method, path string, body io.Reader, headers ...string) answer {
	r.t.Helper()
	req, err := http.NewRequest(method, "http://"+r.adminAddr()+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	a, err := readAnswer(resp)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// change is the answer to a reload or an upload.
type changeAnswer struct {
	Status, Error, SHA256 string
	Generation            int64
	Changed, Errors       []string
	Size                  int `json:"size_bytes"`
	Handlers              []string
}

func TestAdminPlugin(t *testing.T) {
	g := newGuest()
	g.on("trap", wasmtest.Unreachable())
	g.on("sleep", g.sleep(time.Minute))
	r := start(t, setup{
		keys:   guarded + "plugin.a.timeout = \"20s\"\nplugin.a.config.key = \"s3cret\"",
		guests: map[string]*guest{"a": g, "b": says("b")},
		routes: "GET /short a.sleep timeout = \"50ms\"",
	})
	id := r.refused(r.ask("GET", "/a/trap", "", "X-Request-Id: the-first"), 500, "failed")
	r.get("/short")
	for range 20 {
		r.get("/a/trap")
	}
	r.reload()
	r.refused(r.ask("GET", "/a/trap", "", "X-Request-Id: last"), 500, "failed")
	var d struct {
		Name, File, SHA256, Isolation string
		Handlers, Routes              []string
		Memory                        int64 `json:"memory_limit_bytes"`
		MemoryMin                     int64 `json:"memory_min_bytes"`
		Instances                     Pool
		Settings                      map[string]any
		CompileSeconds                float64 `json:"compile_seconds"`
		Discarded                     map[string]int
		LastErrors                    []struct {
			Time                  time.Time
			Handler, Kind, Reason string
			RequestID             string `json:"request_id"`
			Stack                 string `json:"wasm_stack"`
		} `json:"last_errors"`
	}
	if status := r.operate("GET", "/plugins/a", nil, &d); status != 200 {
		t.Fatal(status)
	}
	if d.Name != "a" || filepath.Base(d.File) != "a.wasm" || len(d.SHA256) != 64 || d.Isolation != "request" || len(d.Handlers) != 2 || len(d.Routes) != 3 ||
		d.Memory != 16<<20 || d.MemoryMin != 3<<16 || d.Instances.Limit != 64 || d.CompileSeconds <= 0 ||
		fmt.Sprint(d.Settings["config"]) != "map[key:(hidden)]" || d.Settings["timeout"] != "20s" ||
		d.Discarded["trap"] != 22 || d.Discarded["deadline"] != 1 {
		t.Errorf("got %+v", d)
	}
	if len(d.LastErrors) != 16 || d.LastErrors[0].RequestID != "last" || d.LastErrors[0].Handler != "trap" || d.LastErrors[0].Kind != "trapped" ||
		d.LastErrors[0].Reason != "unreachable" || d.LastErrors[0].Stack != "$2()" || time.Since(d.LastErrors[0].Time) > time.Minute {
		t.Errorf("the last errors are %+v", d.LastErrors)
	}
	for _, e := range d.LastErrors {
		if e.RequestID == id {
			t.Error("the oldest error is still there")
		}
	}
	var none map[string]string
	if status := r.operate("GET", "/plugins/nobody", nil, &none); status != 404 || none["error"] == "" {
		t.Errorf("%d %v", status, none)
	}
}

func TestAdminDocuments(t *testing.T) {
	r := start(t, setup{
		keys:   guarded + "plugin.a.config.key = \"s3cret\"\nstore.backend = \"memory\"",
		guests: map[string]*guest{"a": says("a")},
		routes: "GET /health @health",
	})
	var routes []map[string]any
	if r.operate("GET", "/routes", nil, &routes); len(routes) != 2 || fmt.Sprint(routes[1]) != "map[handler:@health methods:[GET] path:/health]" {
		t.Errorf("the routes are %v", routes)
	}
	var config struct {
		File        string
		NeedRestart []string `json:"need_restart"`
		Config      map[string]map[string]any
	}
	a := r.operateWith("GET", "/config", nil, "Authorization: Bearer "+adminToken)
	_ = json.Unmarshal([]byte(a.body), &config) // the top of the file is no section
	if config.File != r.file || config.Config["admin"]["token"] != "(hidden)" || config.Config["server"]["max_body"] != "4MiB" || config.Config["defaults"]["timeout"] != "2s" {
		t.Errorf("the configuration is %s", a.body)
	}
	if strings.Contains(a.body, adminToken) || strings.Contains(a.body, "s3cret") {
		t.Errorf("a secret is shown: %s", a.body)
	}

	r.rewrite(`admin.token = "`+adminToken, `server.max_body = "1MiB"`+"\n"+`admin.token = "x`+adminToken)
	var done changeAnswer
	if status := r.operate("POST", "/reload", nil, &done); status != 200 || done.Status != "reloaded" || done.Generation < 2 || done.Changed == nil {
		t.Errorf("a reload got %d %+v", status, done)
	}
	if a := r.operateWith("GET", "/config", nil, "Authorization: Bearer "+adminToken); !strings.Contains(a.body, `"admin.token"`) || !strings.Contains(a.body, `"1MiB"`) {
		t.Errorf("what needs a restart is not told: %s", a.body)
	}
	r.rewrite(`"1MiB"`, `"1XiB"`)
	if status := r.operate("POST", "/reload", nil, &done); status != 422 || len(done.Errors) != 1 || !strings.Contains(done.Errors[0], "server.max_body") {
		t.Errorf("a broken reload got %d %+v", status, done)
	}
	var generation struct {
		Generation, Plugins, Routes int
		Reloads                     []reloadStatus
	}
	r.operate("GET", "/generation", nil, &generation)
	last := len(generation.Reloads)
	if first := generation.Reloads[last-1]; fmt.Sprint(first.Changed) != "[admin.token server.max_body]" { // by whoever noticed first
		t.Errorf("the first reload is %+v", first)
	}
	if generation.Generation < 2 || generation.Plugins != 1 || generation.Routes != 2 || last < 2 || generation.Reloads[0].OK ||
		len(generation.Reloads[0].Errors) != 1 || generation.Reloads[0].Time.IsZero() || !generation.Reloads[last-1].OK {
		t.Errorf("the generation is %+v", generation)
	}
}

func TestAdminLogs(t *testing.T) {
	g := newGuest()
	g.on("get", g.do("log", 2, "watch out"))
	r := start(t, setup{keys: guarded, guests: map[string]*guest{"a": g, "b": says("b")}})
	for i := range 3 {
		r.ask("GET", "/a/get", "", fmt.Sprintf("X-Request-Id: id-%d", i))
	}
	var logs struct {
		Lines []struct {
			Level, Msg, Plugin string
			Attrs              map[string]string
		}
	}
	r.operate("GET", "/logs?plugin=a&limit=2", nil, &logs)
	if len(logs.Lines) != 2 || logs.Lines[1].Msg != "watch out" || logs.Lines[1].Level != "WARN" || logs.Lines[1].Plugin != "a" || logs.Lines[1].Attrs["request_id"] != "id-2" {
		t.Errorf("got %+v", logs)
	}
	r.operate("GET", "/logs", nil, &logs)
	var all []string
	for _, l := range logs.Lines {
		all = append(all, l.Msg)
	}
	if text := strings.Join(all, ","); !strings.Contains(text, "listening") || !strings.Contains(text, "watch out") || strings.Contains(text, "request") {
		t.Errorf("the lines are %q, want those of the host and without the access log", all)
	}
}

func TestUpload(t *testing.T) {
	r := start(t, setup{keys: guarded, guests: map[string]*guest{"a": says("old")}})
	file := filepath.Join(r.dir, "plugins", "a.wasm")
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	wasm := says("new").bytes()
	sum := sha256.Sum256(wasm)
	var done changeAnswer
	if status := r.operate("PUT", "/plugins/a", wasm, &done); status != 200 || done.Status != "replaced" || done.Generation != 2 ||
		done.SHA256 != hex.EncodeToString(sum[:]) || done.Size != len(wasm) || fmt.Sprint(done.Handlers, done.Changed) != "[get] [plugin a]" {
		t.Errorf("got %d %+v", status, done)
	}
	if a := r.get("/a/get"); a.body != "new" {
		t.Errorf("served is %v", a)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, wasm) {
		t.Errorf("the file is another: %v", err)
	}
	if s, err := os.Stat(file); err != nil || s.Mode().Perm() != 0o640 {
		t.Errorf("the file's mode: %v, %v", s.Mode(), err)
	}
	if status := r.operate("PUT", "/plugins/fresh", wasm, &done); status != 201 || done.Status != "added" || r.plugin("fresh").Error != "" {
		t.Errorf("a new plugin got %d %+v", status, done)
	}
	r.tidy()
}

// tidy checks that no part of an upload lies about.
func (r *rig) tidy() {
	r.t.Helper()
	left, _ := filepath.Glob(filepath.Join(r.dir, "plugins", ".*"))
	if len(left) > 0 {
		r.t.Errorf("left over: %q", left)
	}
}

// TestUploadRefused: what is wrong in any way changes nothing, and the answer says
// why.
func TestUploadRefused(t *testing.T) {
	other := newGuest()
	other.on("another", other.do("write", "x"))
	greedy := newGuest()
	greedy.on("get", greedy.kvSet("k", "v"))
	fails := newGuest()
	fails.on("get").on("wasmlane_init", wasmtest.Unreachable())
	r := start(t, setup{
		keys:   guarded + "plugin.a.max_module = \"1KiB\"",
		guests: map[string]*guest{"a": says("old"), "b": says("old")},
	})
	before := map[string][]byte{}
	for _, name := range []string{"a", "b"} {
		before[name], _ = os.ReadFile(filepath.Join(r.dir, "plugins", name+".wasm"))
	}
	good := says("new").bytes()
	for name, c := range map[string]struct {
		path   string
		wasm   []byte
		status int
		reason string
	}{
		"empty":           {"/plugins/a", nil, 422, "a: "},
		"no module":       {"/plugins/a", []byte("hello, I am no module"), 422, "a: "},
		"cut":             {"/plugins/a", good[:len(good)-3], 422, "a: "},
		"no such handler": {"/plugins/b", other.bytes(), 422, `has no handler "get"`},
		"no grant":        {"/plugins/b", greedy.bytes(), 422, "store"},
		"does not start":  {"/plugins/b", fails.bytes(), 422, "unreachable"},
		"over max_module": {"/plugins/a", append(bytes.Clone(good), make([]byte, 2000)...), 413, "max_module"},
		"name of a file":  {"/plugins/a.wasm", good, 400, "name of a plugin"},
		"name with a dot": {"/plugins/..", good, 400, "name of a plugin"},
		"name too far":    {"/plugins/..%2f..%2fa", good, 404, "not found"},
		"upper case":      {"/plugins/A", good, 400, "name of a plugin"},
	} {
		t.Run(name, func(t *testing.T) {
			r := r.in(t)
			var done changeAnswer
			generation := r.Generation()
			status := r.operate("PUT", c.path, c.wasm, &done)
			if text := done.Error + strings.Join(done.Errors, "\n"); status != c.status || !strings.Contains(text, c.reason) {
				t.Errorf("got %d %q, want %d with %q", status, text, c.status, c.reason)
			}
			if r.Generation() != generation {
				t.Error("the generation is another")
			}
		})
	}
	r.logged("upload refused", "plugin", "b", "error", `plugins/b.wasm has no handler "get"`)
	// What is running is what stands in the files: no reload has failed.
	if all := r.scrape(); all["wasmlane_last_reload_successful"] != 1 || all[`wasmlane_reloads_total{result="failure"}`] != 0 {
		t.Errorf("the metrics have a failed reload")
	}
	for name, want := range before {
		if got, _ := os.ReadFile(filepath.Join(r.dir, "plugins", name+".wasm")); !bytes.Equal(got, want) {
			t.Errorf("the file of %s was changed", name)
		}
		if a := r.get("/" + name + "/get"); a.body != "old" {
			t.Errorf("%s serves %v", name, a)
		}
	}
	r.tidy()
}

// TestUploadNeedsAll: the token, the switch, and a name.
func TestUploadNeedsAll(t *testing.T) {
	wasm := says("new").bytes()
	for name, c := range map[string]struct {
		keys, header string
		status       int
	}{
		"all":         {guarded, "Authorization: Bearer " + adminToken, 200},
		"no token":    {guarded, "X: y", 401},
		"wrong token": {guarded, "Authorization: Bearer " + adminToken[1:], 401},
		"off":         {strings.Replace(guarded, "upload = true", "upload = false", 1), "Authorization: Bearer " + adminToken, 403},
		"not guarded": {"admin.listen = \"127.0.0.1:0\"", "X: y", 403},
		"a web page":  {guarded, "Origin: http://evil.example", 403},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, setup{keys: c.keys, guests: map[string]*guest{"a": says("old")}})
			a := r.operateWith("PUT", "/plugins/a", bytes.NewReader(wasm), c.header)
			if a.status != c.status || !json.Valid([]byte(a.body)) {
				t.Errorf("got %v, want %d", a, c.status)
			}
			want := "old"
			if c.status == 200 {
				want = "new"
			}
			if a := r.get("/a/get"); a.body != want {
				t.Errorf("served is %v, want %s", a, want)
			}
		})
	}
}

// TestUploadHuge: a body over max_module is refused at its announcement, and when
// there is none at the limit; the client sees the answer.
func TestUploadHuge(t *testing.T) {
	r := start(t, setup{keys: guarded + "defaults.max_module = \"64KiB\"", guests: map[string]*guest{"a": says("old")}})
	head := "PUT /plugins/a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + adminToken + "\r\n"
	for name, c := range map[string]struct {
		head string
		body int
	}{
		"announced":   {"Content-Length: 1000000000000\r\n\r\n", 100 << 10},
		"expecting":   {"Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n", 0},
		"chunked":     {"Transfer-Encoding: chunked\r\n\r\n19000\r\n", 0x19000},
		"wrong token": {"Content-Length: 1000000000000\r\n\r\n", 100 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.DialTimeout("tcp", r.adminAddr(), patience)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			start, want := head, "413"
			if name == "wrong token" {
				start, want = strings.Replace(head, adminToken, "wrong", 1), "401"
			}
			if _, err := conn.Write(append([]byte(start+c.head), make([]byte, c.body)...)); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(conn)
			if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 "+want) || !strings.Contains(string(got), "\"error\"") ||
				want == "413" && !strings.Contains(string(got), "max_module") {
				t.Errorf("got %q and %v, want %s", got, err, want)
			}
		})
	}
	if r.Generation() != 1 {
		t.Errorf("the generation is %d", r.Generation())
	}
}

// TestUploadsAndReloads: at the same time, with requests in between, each is whole.
func TestUploadsAndReloads(t *testing.T) {
	r := start(t, setup{keys: guarded, guests: map[string]*guest{"a": says("v0")}})
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for i := range 3 {
		wg.Go(func() {
			for n := range 6 {
				body := says(fmt.Sprintf("v%d", 10*i+n+1)).bytes()
				if n == 3 {
					body = []byte("broken")
				}
				req, _ := http.NewRequest("PUT", "http://"+r.adminAddr()+"/plugins/a", bytes.NewReader(body))
				req.Header.Set("Authorization", "Bearer "+adminToken)
				resp, err := r.client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				a, err := readAnswer(resp)
				if err != nil || !json.Valid([]byte(a.body)) {
					t.Errorf("%v, %v", a, err)
				}
				mu.Lock()
				statuses[a.status]++
				mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		for range 10 {
			if err := r.Reload(); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for range 200 {
			if a, err := r.try("GET", "/a/get", ""); err != nil || a.status != 200 || !strings.HasPrefix(a.body, "v") {
				t.Errorf("a request got %v, %v", a, err)
			}
		}
	})
	wg.Wait()
	for status := range statuses {
		if status != 200 && status != 422 && status != 409 {
			t.Errorf("the uploads got %v", statuses)
		}
	}
	if statuses[200] == 0 {
		t.Errorf("no upload succeeded: %v", statuses)
	}
	r.reload()
	file, err := os.ReadFile(filepath.Join(r.dir, "plugins", "a.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(file); r.plugin("a").SHA256 != hex.EncodeToString(sum[:]) {
		t.Error("what is served is not what lies in the file")
	}
	r.tidy()
}

// What stands in the way of the file is told.
func TestUploadOverADirectory(t *testing.T) {
	r := start(t, setup{keys: guarded, guests: map[string]*guest{"a": says("old")}})
	if err := os.MkdirAll(filepath.Join(r.dir, "plugins", "dir.wasm", "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	var done changeAnswer
	if status := r.operate("PUT", "/plugins/dir", says("x").bytes(), &done); status != 422 || !strings.Contains(strings.Join(done.Errors, ""), "dir.wasm: cannot be written") {
		t.Errorf("got %d %+v", status, done)
	}
	r.tidy()
}

// An upload of a pinned plugin must be the one that is meant.
func TestUploadPinned(t *testing.T) {
	wanted := says("wanted").bytes()
	sum := sha256.Sum256(wanted)
	r := start(t, setup{keys: guarded, guests: map[string]*guest{"a": says("old")}})
	r.rewrite("admin.upload = true", "admin.upload = true\nplugin.a.sha256 = \""+hex.EncodeToString(sum[:])+"\"")
	var done changeAnswer
	if status := r.operate("PUT", "/plugins/a", says("another").bytes(), &done); status != 422 || !strings.Contains(strings.Join(done.Errors, ""), "plugin.a.sha256") {
		t.Errorf("another module got %d %+v", status, done)
	}
	if a := r.get("/a/get"); a.body != "old" {
		t.Errorf("served is %v", a)
	}
	if status := r.operate("PUT", "/plugins/a", wanted, &done); status != 200 {
		t.Errorf("the pinned module got %d %+v", status, done)
	}
	if a := r.get("/a/get"); a.body != "wanted" {
		t.Errorf("served is %v", a)
	}
}
