package main

import (
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// workload is what makes pods.
type workload struct {
	kind, name string
	selector   *metav1.LabelSelector
	pod        corev1.PodTemplateSpec
}

// set is everything that is applied together.
type set struct {
	workloads []workload
	configs   map[string]*corev1.ConfigMap
	accounts  map[string]bool
	problems  []string
}

func (s *set) add(where, format string, args ...any) {
	s.problems = append(s.problems, where+": "+fmt.Sprintf(format, args...))
}

// check finds what each object alone does not show: names that lead nowhere, and what
// host.toml and the manifests say differently.
func check(objects []metav1.Object) []string {
	s := &set{configs: map[string]*corev1.ConfigMap{}, accounts: map[string]bool{"": true, "default": true}}
	for _, object := range objects {
		switch o := object.(type) {
		case *appsv1.Deployment:
			s.workloads = append(s.workloads, workload{"Deployment", o.Name, o.Spec.Selector, o.Spec.Template})
		case *appsv1.StatefulSet:
			s.workloads = append(s.workloads, workload{"StatefulSet", o.Name, o.Spec.Selector, o.Spec.Template})
		case *corev1.ConfigMap:
			s.configs[o.Name] = o
		case *corev1.ServiceAccount:
			s.accounts[o.Name] = true
		}
	}
	for _, w := range s.workloads {
		s.checkPod(w)
		s.checkHost(w)
	}
	for _, object := range objects {
		switch o := object.(type) {
		case *corev1.Service:
			s.checkService(o)
		case *policyv1.PodDisruptionBudget:
			s.selected("PodDisruptionBudget "+o.Name, o.Spec.Selector)
		case *networkingv1.NetworkPolicy:
			s.checkPolicy(o)
		case *autoscalingv2.HorizontalPodAutoscaler:
			s.checkAutoscaler(o)
		}
	}
	return s.problems
}

// selected returns the workloads whose pods a selector takes; one that takes none is
// a problem.
func (s *set) selected(where string, selector *metav1.LabelSelector) (found []workload) {
	match, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		s.add(where, "selector: %v", err)
		return nil
	}
	for _, w := range s.workloads {
		if match.Matches(labels.Set(w.pod.Labels)) {
			found = append(found, w)
		}
	}
	if len(found) == 0 {
		s.add(where, "its selector %v takes no pod", match)
	}
	return found
}

// hasPort reports whether a container of the pod has the port, by name or number.
func (w workload) hasPort(port intstr.IntOrString) bool {
	for _, c := range w.pod.Spec.Containers {
		for _, p := range c.Ports {
			if port.Type == intstr.String && p.Name == port.StrVal || port.Type == intstr.Int && p.ContainerPort == port.IntVal {
				return true
			}
		}
	}
	return false
}

func (s *set) checkService(o *corev1.Service) {
	where := "Service " + o.Name
	for _, w := range s.selected(where, &metav1.LabelSelector{MatchLabels: o.Spec.Selector}) {
		for _, p := range o.Spec.Ports {
			target := p.TargetPort
			if target == (intstr.IntOrString{}) {
				target = intstr.FromInt32(p.Port)
			}
			if !w.hasPort(target) {
				s.add(where, "targetPort %s is no port of %s %s", target.String(), w.kind, w.name)
			}
			if p.Name == "" {
				s.add(where, "port %d has no name, so there is no SRV record for it", p.Port)
			}
		}
	}
}

func (s *set) checkPolicy(o *networkingv1.NetworkPolicy) {
	where := "NetworkPolicy " + o.Name
	selected := s.selected(where, &o.Spec.PodSelector)
	for _, rule := range o.Spec.Ingress {
		s.checkPolicyPorts(where, rule.Ports, selected)
		for _, peer := range rule.From {
			if peer.NamespaceSelector == nil && peer.PodSelector != nil {
				s.selected(where, peer.PodSelector)
			}
		}
	}
	for _, rule := range o.Spec.Egress {
		for _, peer := range rule.To {
			if peer.NamespaceSelector == nil && peer.PodSelector != nil {
				s.checkPolicyPorts(where, rule.Ports, s.selected(where, peer.PodSelector))
			}
		}
	}
}

func (s *set) checkPolicyPorts(where string, ports []networkingv1.NetworkPolicyPort, of []workload) {
	for _, p := range ports {
		for _, w := range of {
			if p.Port != nil && !w.hasPort(*p.Port) {
				s.add(where, "port %s is no port of %s %s", p.Port.String(), w.kind, w.name)
			}
		}
	}
}

func (s *set) checkAutoscaler(o *autoscalingv2.HorizontalPodAutoscaler) {
	where := "HorizontalPodAutoscaler " + o.Name
	target := o.Spec.ScaleTargetRef
	i := slices.IndexFunc(s.workloads, func(w workload) bool { return w.kind == target.Kind && w.name == target.Name })
	if i < 0 {
		s.add(where, "there is no %s %s", target.Kind, target.Name)
		return
	}
	for _, metric := range o.Spec.Metrics {
		for _, c := range s.workloads[i].pod.Spec.Containers {
			if metric.Resource != nil && c.Resources.Requests.Name(metric.Resource.Name, resource.DecimalSI).IsZero() {
				s.add(where, "container %s requests no %s, which the percentage is of", c.Name, metric.Resource.Name)
			}
		}
	}
}

// checkPod checks names within a pod, and that it is what Kubernetes calls
// restricted.
func (s *set) checkPod(w workload) {
	where := w.kind + " " + w.name
	if match, err := metav1.LabelSelectorAsSelector(w.selector); err != nil || match.Empty() || !match.Matches(labels.Set(w.pod.Labels)) {
		s.add(where, "its selector does not take its own pods")
	}
	pod := w.pod.Spec
	if !s.accounts[pod.ServiceAccountName] {
		s.add(where, "there is no ServiceAccount %s", pod.ServiceAccountName)
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		s.add(where, "mounts a token of its account; set automountServiceAccountToken: false")
	}
	volumes := map[string]corev1.Volume{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = v
		if v.ConfigMap != nil && s.configs[v.ConfigMap.Name] == nil {
			s.add(where, "volume %s: there is no ConfigMap %s", v.Name, v.ConfigMap.Name)
		}
	}
	if w.kind == "StatefulSet" {
		volumes["data"] = corev1.Volume{} // of volumeClaimTemplates
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		where := where + " container " + c.Name
		for _, m := range c.VolumeMounts {
			v, ok := volumes[m.Name]
			if !ok {
				s.add(where, "there is no volume %s", m.Name)
			}
			if v.ConfigMap != nil && m.SubPath != "" {
				s.add(where, "mounts %s by subPath, which is never updated; mount the directory", m.Name)
			}
		}
		s.checkRestricted(where, pod.SecurityContext, c.SecurityContext)
		for _, name := range slices.Sorted(maps.Keys(c.Resources.Requests)) {
			request := c.Resources.Requests[name]
			if limit, ok := c.Resources.Limits[name]; ok && request.Cmp(limit) > 0 {
				s.add(where, "requests more %s than its limit", name)
			}
		}
		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Memory().IsZero() {
			s.add(where, "has no request or no limit of memory")
		}
		for name, probe := range probes(c) {
			if h := probe.HTTPGet; h != nil && !w.hasPort(h.Port) {
				s.add(where, "%s: there is no port %s", name, h.Port.String())
			}
		}
	}
}

// probes returns a container's probes, by their field's name.
func probes(c corev1.Container) map[string]*corev1.Probe {
	all := map[string]*corev1.Probe{"startupProbe": c.StartupProbe, "readinessProbe": c.ReadinessProbe, "livenessProbe": c.LivenessProbe}
	maps.DeleteFunc(all, func(_ string, p *corev1.Probe) bool { return p == nil })
	return all
}

func (s *set) checkRestricted(where string, pod *corev1.PodSecurityContext, c *corev1.SecurityContext) {
	is := func(b *bool, want bool) bool { return b != nil && *b == want }
	switch {
	case pod == nil || c == nil:
		s.add(where, "has no securityContext")
	case !is(pod.RunAsNonRoot, true):
		s.add(where, "may run as root; set runAsNonRoot")
	case pod.SeccompProfile == nil || pod.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault:
		s.add(where, "has no seccompProfile of type RuntimeDefault")
	case !is(c.AllowPrivilegeEscalation, false):
		s.add(where, "may gain privileges; set allowPrivilegeEscalation: false")
	case !is(c.ReadOnlyRootFilesystem, true):
		s.add(where, "may write to its root; set readOnlyRootFilesystem")
	case c.Capabilities == nil || !slices.Equal(c.Capabilities.Drop, []corev1.Capability{"ALL"}):
		s.add(where, `keeps capabilities; set drop: ["ALL"]`)
	}
}
