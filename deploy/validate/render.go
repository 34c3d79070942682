package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// render does what kubectl kustomize does.
func render(dir string) ([]byte, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	return resources.AsYaml()
}

// newObject returns an empty object of Kubernetes' own type, nil for a kind that is
// not known here.
func newObject(kind metav1.TypeMeta) metav1.Object {
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 ConfigMap":
		return new(corev1.ConfigMap)
	case "v1 Secret":
		return new(corev1.Secret)
	case "v1 Service":
		return new(corev1.Service)
	case "v1 ServiceAccount":
		return new(corev1.ServiceAccount)
	case "apps/v1 Deployment":
		return new(appsv1.Deployment)
	case "apps/v1 StatefulSet":
		return new(appsv1.StatefulSet)
	case "autoscaling/v2 HorizontalPodAutoscaler":
		return new(autoscalingv2.HorizontalPodAutoscaler)
	case "policy/v1 PodDisruptionBudget":
		return new(policyv1.PodDisruptionBudget)
	case "networking.k8s.io/v1 NetworkPolicy":
		return new(networkingv1.NetworkPolicy)
	}
	return nil
}

// decode reads each document strictly into its type: an unknown field, a field twice
// and a value of the wrong type are problems, as is a quantity that is none.
func decode(text []byte) (objects []metav1.Object, problems []string) {
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			problems = append(problems, err.Error())
			continue
		}
		object := newObject(kind)
		if object == nil {
			problems = append(problems, fmt.Sprintf("%s %s is no kind that is known here; add it to newObject", kind.APIVersion, kind.Kind))
			continue
		}
		// Kubernetes' own reader of JSON: Go's would take a field in other case.
		data, err := yaml.YAMLToJSONStrict(document)
		var strict []error
		if err == nil {
			strict, err = json.UnmarshalStrict(data, object)
		}
		if err := errors.Join(append(strict, err)...); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				problems = append(problems, place(kind.Kind, object.GetName())+line)
			}
			continue
		}
		for _, problem := range validation.IsDNS1123Subdomain(object.GetName()) {
			problems = append(problems, place(kind.Kind, object.GetName())+problem)
		}
		for key, value := range object.GetLabels() {
			for _, problem := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
				problems = append(problems, place(kind.Kind, object.GetName(), "label", key)+problem)
			}
		}
		objects = append(objects, object)
	}
	return objects, problems
}

// place names an object in a problem.
func place(parts ...string) string { return strings.Join(parts, " ") + ": " }
