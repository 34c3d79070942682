package main

import (
	"net"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	corev1 "k8s.io/api/core/v1"
)

// hostConfig is what of a host.toml the manifests have to agree with. Whether it is
// valid is for "wasmlane check" to say.
type hostConfig struct {
	CacheDir string `toml:"cache_dir"`
	Server   struct {
		Listen     string
		DrainDelay time.Duration `toml:"drain_delay"`
		Drain      time.Duration
	}
	Store struct{ Backend, Path string }
	Route []struct{ Method, Path, Handler string }
}

// spare is what a host needs to end besides drain_delay and drain, rounded up: to
// tell its clients, and to close.
const spare = 5 * time.Second

// checkHost checks a workload that mounts a ConfigMap with host.toml.
func (s *set) checkHost(w workload) {
	for _, v := range w.pod.Spec.Volumes {
		if v.ConfigMap == nil || s.configs[v.ConfigMap.Name] == nil {
			continue
		}
		text, ok := s.configs[v.ConfigMap.Name].Data["host.toml"]
		if !ok {
			continue
		}
		where := "ConfigMap " + v.ConfigMap.Name + " host.toml"
		var config hostConfig
		config.Server.Drain = 10 * time.Second
		if _, err := toml.Decode(text, &config); err != nil {
			s.add(where, "%v", err)
			continue
		}
		s.compare(where, w, v.Name, config)
	}
}

func (s *set) compare(where string, w workload, volume string, config hostConfig) {
	handlers := map[string]string{}
	for _, r := range config.Route {
		if r.Method == "GET" || r.Method == "" {
			handlers[r.Path] = r.Handler
		}
	}
	expect := func(what, path, handler string) {
		if handlers[path] != handler {
			s.add(where, "%s asks %s, and no route for GET leads from there to %q", what, path, handler)
		}
	}
	_, listen, _ := net.SplitHostPort(config.Server.Listen)
	port, _ := strconv.Atoi(listen)

	pod := w.pod.Spec
	if grace, need := pod.TerminationGracePeriodSeconds, config.Server.DrainDelay+config.Server.Drain+spare; grace == nil || time.Duration(*grace)*time.Second < need {
		s.add(where, "drain_delay, drain and %s are %s, and terminationGracePeriodSeconds is less", spare, need)
	}
	annotations := w.pod.Annotations
	if p := annotations["prometheus.io/path"]; p != "" {
		expect("prometheus.io/path", p, "@metrics")
		if annotations["prometheus.io/port"] != listen {
			s.add(where, "server.listen has port %s, and prometheus.io/port is %s", listen, annotations["prometheus.io/port"])
		}
	}
	for _, c := range pod.Containers {
		for _, p := range c.Ports {
			if int(p.ContainerPort) != port {
				s.add(where, "server.listen has port %s, and container %s has %d", listen, c.Name, p.ContainerPort)
			}
		}
		for name, handler := range map[string]string{"startupProbe": "@health", "readinessProbe": "@ready", "livenessProbe": "@health"} {
			if probe := probes(c)[name]; probe == nil || probe.HTTPGet == nil {
				s.add(where, "container %s has no %s by HTTP", c.Name, name)
			} else {
				expect(name, probe.HTTPGet.Path, handler)
			}
		}
	}
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		file := mountPath(c, volume) + "/host.toml"
		if !strings.Contains(strings.Join(c.Args, " ")+" ", "-c "+file+" ") {
			s.add(where, "is mounted in container %s at %s, and its args do not say -c %s", c.Name, file, file)
		}
		writable(s, where, c, "cache_dir", config.CacheDir)
	}
	if config.Store.Backend == "embedded" || config.Store.Backend == "" {
		writable(s, where, pod.Containers[0], "store.path", config.Store.Path)
	}
}

func mountPath(c corev1.Container, volume string) string {
	for _, m := range c.VolumeMounts {
		if m.Name == volume {
			return m.MountPath
		}
	}
	return ""
}

// writable checks that a path lies inside a volume and is not the volume itself, which
// belongs to root.
func writable(s *set, where string, c corev1.Container, key, file string) {
	for _, m := range c.VolumeMounts {
		if !m.ReadOnly && path.IsAbs(file) && strings.HasPrefix(path.Clean(file), path.Clean(m.MountPath)+"/") {
			return
		}
	}
	s.add(where, "%s is %q, which lies in no writable volume of container %s", key, file, c.Name)
}
