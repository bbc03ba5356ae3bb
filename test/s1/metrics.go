package s1

import (
	"context"
	"fmt"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metrics reads the metrics of the agent of a Node, as an account that may read nothing else.
func (l Lab) Metrics(ctx context.Context, node string) (map[string]*dto.MetricFamily, error) {
	cluster, _, _ := strings.Cut(node, "-")
	kubectl := "kubectl --context " + cluster
	for _, create := range []string{
		"serviceaccount -n kube-system metrics-reader", "clusterrole metrics-reader --verb=get --non-resource-url=/metrics",
		"clusterrolebinding metrics-reader --clusterrole=metrics-reader --serviceaccount=kube-system:metrics-reader",
	} {
		if _, err := l.Shell(ctx, kubectl+" create "+create+" --dry-run=client -o yaml | "+kubectl+" apply -f -"); err != nil {
			return nil, err
		}
	}
	token, err := l.Kubectl(ctx, cluster, "create", "token", "-n", "kube-system", "metrics-reader")
	if err != nil {
		return nil, err
	}
	out, err := l.Exec(ctx, node, "curl", "-skf", "-H", "Authorization: Bearer "+strings.TrimSpace(token), "https://127.0.0.1:10350/metrics")
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(out))
	if err != nil {
		return nil, fmt.Errorf("metrics of the agent on %s: %w", node, err)
	}
	return families, nil
}

// seconds is what a histogram has summed up for a CNI verb.
func seconds(family *dto.MetricFamily, verb string) float64 {
	sum := 0.0
	for _, m := range family.GetMetric() {
		for _, label := range m.GetLabel() {
			if label.GetName() == "command" && label.GetValue() == verb {
				sum += m.GetHistogram().GetSampleSum()
			}
		}
	}
	return sum
}
