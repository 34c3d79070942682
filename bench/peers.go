package main

import (
	"os/exec"
	"path/filepath"
	"strings"
)

// peer is one program that is measured.
type peer struct {
	name     string
	what     string // for the table
	settings string // what a reader must know to judge the row
	needs    []need
	build    func(*workshop, *peer) []step
	// start returns the command, without the port: that comes as PORT, and in the
	// arguments as {port}.
	start func(*workshop, *peer) launch
	size  []string // files and directories of what must be installed to run it, relative to bench
	slow  bool     // not near the others: measured with more time to warm up
}

// need is a program that must be on the PATH, and how to get it.
type need struct{ program, install string }

var (
	needGCC   = need{"gcc", "apt-get install gcc libc6-dev"}
	needNode  = need{"node", "apt-get install nodejs npm"}
	needNPM   = need{"npm", "apt-get install nodejs npm"}
	needPy    = need{"python3", "apt-get install python3-venv"}
	needCargo = need{"cargo", "a Rust toolchain, 1.85 or newer"}
	needMaven = need{"mvn", "apt-get install maven openjdk-17-jdk-headless"}
	needJava  = need{"java", "apt-get install maven openjdk-17-jdk-headless"}
)

// step is a command of a build. It is left out when made is there already.
type step struct {
	dir  string // relative to bench
	args []string
	env  []string
	made string // relative to bench
}

// launch is a command to be started.
type launch struct {
	args []string
	env  []string
	dir  string // relative to bench
}

// reference is the peer that the others are compared with.
const reference = "fasthttp"

func allPeers(w *workshop) []*peer {
	return []*peer{
		lane("wasmlane-c", "Wasmlane, C plugin", "c", "request", true),
		lane("wasmlane-go", "Wasmlane, Go plugin", "go", "request", true),
		lane("wasmlane-c-instance", "Wasmlane, C plugin, isolation \"instance\"", "c", "instance", true),
		lane("wasmlane-go-instance", "Wasmlane, Go plugin, isolation \"instance\"", "go", "instance", true),
		lane("wasmlane-c-silent", "Wasmlane, C plugin, access = false", "c", "request", false),
		goPeer("fasthttp", "bare fasthttp 1.77: the limit", "native Go, the host's buffer sizes and timeouts; no router, log, metrics"),
		goPeer("nethttp", "net/http", "native Go, ServeMux; no log, metrics"),
		guestPeer("wazero-fresh-c", "wazero 1.12, a new instance per request, C", "behind fasthttp; pristine, cannot be stopped", "c.wasm", "wazero", "-mode", "fresh"),
		guestPeer("wazero-fresh-go", "wazero 1.12, a new instance per request, Go", "behind fasthttp; pristine, cannot be stopped", "go.wasm", "wazero", "-mode", "fresh"),
		guestPeer("wazero-pooled-c", "wazero 1.12, pooled, C", "behind fasthttp; **not** pristine, cannot be stopped", "c.wasm", "wazero", "-mode", "pooled"),
		guestPeer("wazero-close-c", "wazero 1.12, pooled, WithCloseOnContextDone, C", "behind fasthttp; **not** pristine", "c.wasm", "wazero", "-mode", "pooled", "-close"),
		httpWasm(),
		wasmtime(),
		hyperlane(),
		express(),
		django(),
		spring(),
	}
}

func peerNames(all []*peer) (names []string) {
	for _, p := range all {
		names = append(names, p.name)
	}
	return names
}

func find(all []*peer, name string) *peer {
	for _, p := range all {
		if p.name == name {
			return p
		}
	}
	return nil
}

// lane is Wasmlane with one plugin.
func lane(name, what, language, isolation string, access bool) *peer {
	settings := "pristine per request; "
	if isolation == "instance" {
		settings = "**not** pristine; "
	}
	settings += "all defaults: router, deadline, limits, metrics, "
	if access {
		settings += "access log to a file"
	} else {
		settings += "no access log"
	}
	return &peer{
		name: name, what: what, settings: settings,
		size: []string{"out/wasmlane", "out/" + language + ".wasm"},
		start: func(w *workshop, p *peer) launch {
			site := &site{isolation: isolation, access: access}
			site.plugin(w, "bench", language+".wasm")
			site.route("GET", "/users/{id}", "bench.get_user")
			return w.wasmlane(p.name, site)
		},
	}
}

// goPeer is a program in Go that needs nothing else.
func goPeer(name, what, settings string) *peer {
	return &peer{
		name: name, what: what, settings: settings,
		size:  []string{"out/" + name},
		build: func(w *workshop, p *peer) []step { return []step{goBuild(name)} },
		start: func(w *workshop, p *peer) launch { return launch{args: []string{w.made(name)}} },
	}
}

func goBuild(name string) step {
	return step{dir: "peers/" + name, args: []string{"go", "build", "-trimpath", "-ldflags=-s -w", "-o", "../../out/" + name, "."}}
}

// guestPeer is a program in Go that runs a guest of bench/out.
func guestPeer(name, what, settings, guest, program string, args ...string) *peer {
	return &peer{
		name: name, what: what, settings: settings,
		size:  []string{"out/" + program, "out/" + guest},
		build: func(w *workshop, p *peer) []step { return []step{goBuild(program)} },
		start: func(w *workshop, p *peer) launch {
			return launch{args: append(append([]string{w.made(program)}, args...), w.made(guest))}
		},
	}
}

func httpWasm() *peer {
	p := guestPeer("httpwasm", "http-wasm-host-go 0.7.0 on net/http, C", "**not** pristine, cannot be stopped", "httpwasm.wasm", "httpwasm")
	p.build = func(w *workshop, p *peer) []step {
		return []step{goBuild("httpwasm"), clang("peers/httpwasm/guest", "guest.c", "httpwasm.wasm")}
	}
	return p
}

// clangName is the clang that is there, and clang when there is none.
func clangName() string {
	for _, name := range []string{"clang-19", "clang"} {
		if _, err := exec.LookPath(name); err == nil {
			return name
		}
	}
	return "clang"
}

// clang compiles one file of C to a guest in out.
func clang(dir, source, file string) step {
	flags := clangName() + " --target=wasm32 -std=c11 -O2 -nostdlib -ffreestanding -mbulk-memory -Wl,--no-entry -Wl,--strip-all -o"
	out := strings.Repeat("../", strings.Count(dir, "/")+1) + "out/" + file
	return step{dir: dir, args: append(strings.Fields(flags), out, source)}
}

func wasmtime() *peer {
	p := guestPeer("wasmtime-c", "wasmtime-go 40.0.0, a new instance per request, C", "behind fasthttp; pooling allocator; pristine, cannot be stopped", "c.wasm", "wasmtime")
	p.needs = []need{needGCC}
	return p
}

func hyperlane() *peer {
	const binary = "peers/hyperlane/target/release/hyperlane-peer"
	return &peer{
		name: "hyperlane", what: "hyperlane 22.1.0 (Rust)", settings: "native Rust, release mode with LTO",
		needs: []need{needCargo},
		size:  []string{binary},
		build: func(w *workshop, p *peer) []step {
			return []step{{dir: "peers/hyperlane", args: []string{"cargo", "build", "--release", "--quiet"}}}
		},
		start: func(w *workshop, p *peer) launch { return launch{args: []string{w.bench(binary)}} },
	}
}

func express() *peer {
	return &peer{
		name: "express", what: "Express 5.3.0 on Node", settings: "NODE_ENV=production, cluster with a worker per core",
		needs: []need{needNode, needNPM}, slow: true,
		size: []string{"peers/express/node_modules", "/usr/bin/node"},
		build: func(w *workshop, p *peer) []step {
			return []step{{dir: "peers/express", args: []string{"npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--silent"}, made: "peers/express/node_modules/express"}}
		},
		start: func(w *workshop, p *peer) launch {
			return launch{args: []string{"node", "server.js"}, env: []string{"NODE_ENV=production"}, dir: "peers/express"}
		},
	}
}

func django() *peer {
	return &peer{
		name: "django", what: "Django 5.2 under gunicorn 27", settings: "DEBUG off; 5 gthread workers (2 × cores + 1) of 2 threads, since sync workers close every connection",
		needs: []need{needPy}, slow: true,
		size: []string{"peers/django/venv"},
		build: func(w *workshop, p *peer) []step {
			return []step{
				{dir: "peers/django", args: []string{"python3", "-m", "venv", "venv"}, made: "peers/django/venv/bin/python"},
				{dir: "peers/django", args: []string{"venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"}, made: "peers/django/venv/bin/gunicorn"},
			}
		},
		start: func(w *workshop, p *peer) launch {
			return launch{dir: "peers/django", args: []string{filepath.Join(w.root, "bench/peers/django/venv/bin/gunicorn"), "--workers", "5", "--worker-class", "gthread",
				"--threads", "2", "--keep-alive", "60", "--bind", "127.0.0.1:{port}", "peer:application"}, env: []string{"PYTHONDONTWRITEBYTECODE=1"}}
		},
	}
}

func spring() *peer {
	const jar = "peers/springboot/target/peer-1.0.0.jar"
	return &peer{
		name: "springboot", what: "Spring Boot 4.0.7 (Tomcat)", settings: "java -jar, the JVM's defaults; size is the jar without the JVM",
		needs: []need{needMaven, needJava}, slow: true,
		size: []string{jar},
		build: func(w *workshop, p *peer) []step {
			return []step{{dir: "peers/springboot", args: []string{"mvn", "-q", "-B", "-DskipTests", "package"}, made: jar}}
		},
		start: func(w *workshop, p *peer) launch { return launch{args: []string{"java", "-jar", w.bench(jar)}} },
	}
}
