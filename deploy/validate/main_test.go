package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	base  = "kubernetes/base"
	redis = "kubernetes/overlays/redis"
)

// manifests returns a copy of the manifests of this repository.
func manifests(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "kubernetes"), os.DirFS("../kubernetes")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestManifests(t *testing.T) {
	dir := manifests(t)
	var stdout, stderr bytes.Buffer
	if code := run([]string{filepath.Join(dir, base), filepath.Join(dir, redis)}, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d:\n%s", code, stderr.String())
	}
	if got := strings.Count(stdout.String(), "are well\n"); got != 2 {
		t.Errorf("it says\n%s", stdout.String())
	}
}

// A check that cannot fail is none: each of these is a mistake that people make.
func TestBrokenManifests(t *testing.T) {
	for name, c := range map[string]struct{ file, old, new, want string }{
		"unknown field":            {base + "/deployment.yaml", "enableServiceLinks", "enableServiceLink", `Deployment wasmlane: unknown field "spec.template.spec.enableServiceLink"`},
		"field in other case":      {base + "/deployment.yaml", "runAsUser", "runasuser", `unknown field "spec.template.spec.securityContext.runasuser"`},
		"field of another kind":    {base + "/disruption.yaml", "maxUnavailable: 1", "replicas: 1", `PodDisruptionBudget wasmlane: unknown field "spec.replicas"`},
		"wrong type":               {base + "/autoscaler.yaml", "minReplicas: 2", `minReplicas: "2"`, "minReplicas"},
		"text for a list":          {base + "/networkpolicy.yaml", `["Ingress", "Egress"]`, "Ingress", "policyTypes"},
		"no quantity":              {base + "/deployment.yaml", "memory: 32Mi", "memory: 32 MB", "quantities must match"},
		"old version":              {base + "/autoscaler.yaml", "autoscaling/v2", "autoscaling/v2beta1", "autoscaling/v2beta1 HorizontalPodAutoscaler is no kind that is known here"},
		"field twice":              {base + "/disruption.yaml", "maxUnavailable: 1", "maxUnavailable: 1\n  maxUnavailable: 2", "maxUnavailable"},
		"name":                     {base + "/serviceaccount.yaml", "name: wasmlane\n  labels", "name: Wasm_lane\n  labels", "Wasm_lane"},
		"label":                    {base + "/serviceaccount.yaml", "name: wasmlane\nauto", "name: wasm lane\nauto", "ServiceAccount wasmlane label app.kubernetes.io/name"},
		"no file":                  {base + "/kustomization.yaml", "service.yaml", "services.yaml", "services.yaml"},
		"selector of others":       {base + "/deployment.yaml", "matchLabels:\n      app.kubernetes.io/name: wasmlane\n  # No", "matchLabels:\n      app.kubernetes.io/name: other\n  # No", "Deployment wasmlane: its selector does not take its own pods"},
		"service of nothing":       {base + "/service.yaml", "selector:\n    app.kubernetes.io/name: wasmlane\n  ports:\n    - name: http\n      port: 80\n", "selector:\n    app.kubernetes.io/name: other\n  ports:\n    - name: http\n      port: 80\n", "Service wasmlane: its selector app.kubernetes.io/name=other takes no pod"},
		"port of nothing":          {base + "/service.yaml", "targetPort: http\n      appProtocol: http\n---", "targetPort: web\n      appProtocol: http\n---", "Service wasmlane: targetPort web is no port of Deployment wasmlane"},
		"port without a name":      {base + "/service.yaml", "- name: http\n      port: 8001", "- port: 8001", "Service wasmlane-pods: port 8001 has no name"},
		"policy's port":            {base + "/networkpolicy.yaml", "ingress:\n    - ports:\n        - port: http", "ingress:\n    - ports:\n        - port: 9001", "NetworkPolicy wasmlane: port 9001 is no port"},
		"policy's peer":            {redis + "/networkpolicy.yaml", "from:\n        - podSelector:\n            matchLabels:\n              app.kubernetes.io/name: wasmlane", "from:\n        - podSelector:\n            matchLabels:\n              app.kubernetes.io/name: wasm-lane", "NetworkPolicy wasmlane-redis: its selector"},
		"scaling nothing":          {base + "/autoscaler.yaml", "kind: Deployment\n    name: wasmlane", "kind: Deployment\n    name: lane", "there is no Deployment lane"},
		"percentage of nothing":    {base + "/deployment.yaml", "cpu: 100m #", "#", "container wasmlane requests no cpu"},
		"request over limit":       {base + "/deployment.yaml", "memory: 32Mi", "memory: 8Mi", "container wasmlane: requests more memory than its limit"},
		"account":                  {base + "/deployment.yaml", "serviceAccountName: wasmlane", "serviceAccountName: lane", "there is no ServiceAccount lane"},
		"token":                    {base + "/deployment.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: true", "mounts a token"},
		"root":                     {base + "/deployment.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "may run as root"},
		"capabilities":             {base + "/deployment.yaml", `drop: ["ALL"]`, `add: ["SYS_ADMIN"]`, "keeps capabilities"},
		"writable root":            {base + "/deployment.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "may write to its root"},
		"seccomp":                  {base + "/deployment.yaml", "RuntimeDefault", "Unconfined", "seccompProfile"},
		"subPath":                  {base + "/deployment.yaml", "mountPath: /etc/wasmlane\n              readOnly: true", "mountPath: /etc/wasmlane/host.toml\n              subPath: host.toml\n              readOnly: true", "which is never updated"},
		"no volume":                {base + "/deployment.yaml", "- name: cache\n          emptyDir", "- name: cash\n          emptyDir", "there is no volume cache"},
		"ConfigMap":                {base + "/deployment.yaml", "configMap:\n            name: wasmlane", "configMap:\n            name: lane", "there is no ConfigMap lane"},
		"port of host.toml":        {base + "/host.toml", "0.0.0.0:8001", "0.0.0.0:8080", "server.listen has port 8080, and container wasmlane has 8001"},
		"no route for a probe":     {base + "/host.toml", "/readyz", "/ready", `readinessProbe asks /readyz, and no route for GET leads from there to "@ready"`},
		"probe of another handler": {base + "/deployment.yaml", "path: /readyz", "path: /healthz", `readinessProbe asks /healthz, and no route for GET leads from there to "@ready"`},
		"no route for metrics":     {base + "/host.toml", `"/metrics"`, `"/figures"`, "prometheus.io/path asks /metrics"},
		"drain":                    {base + "/host.toml", `"20s"`, `"60s"`, "terminationGracePeriodSeconds is less"},
		"cache in the mount":       {base + "/host.toml", "/cache/code", "/cache", `cache_dir is "/cache", which lies in no writable volume of container compile`},
		"store in the root":        {base + "/host.toml", `backend = "memory"`, "backend = \"embedded\"\npath = \"/wasmlane.db\"", `store.path is "/wasmlane.db"`},
		"another host.toml":        {base + "/deployment.yaml", `"run", "-c", "/etc/wasmlane/host.toml"`, `"run", "-c", "/host.toml"`, "do not say -c /etc/wasmlane/host.toml"},
		"patch of nothing":         {redis + "/deployment.yaml", "  name: wasmlane\nspec", "  name: lane\nspec", "no matches"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := manifests(t)
			file := filepath.Join(dir, c.file)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte(c.old)) {
				t.Fatalf("%s does not hold %q", c.file, c.old)
			}
			if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(c.old), []byte(c.new)), 0o600); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			overlay := base
			if strings.HasPrefix(c.file, redis) {
				overlay = redis
			}
			if code := run([]string{filepath.Join(dir, overlay)}, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("exit code %d, want 1 and %q in\n%s", code, c.want, stderr.String())
			}
		})
	}
}

func TestUsage(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(nil, &stdout, &stderr); code != 2 || !strings.Contains(stderr.String(), "kustomization.yaml") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}
