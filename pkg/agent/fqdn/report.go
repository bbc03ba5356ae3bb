package fqdn

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// counts are of metrics.
type counts struct{ heard, unread, late uint64 }

// Resolved are the addresses of a domain name that are known on the Node, of all names if it is empty.
func (l *Learner) Resolved(domain string) []systemv1alpha1.FQDNCacheEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	var entries []systemv1alpha1.FQDNCacheEntry
	for _, r := range l.cache.All() {
		if domain != "" && r.Name != policy.CanonicalName(domain) {
			continue
		}
		e := systemv1alpha1.FQDNCacheEntry{Name: r.Name, Address: r.Address.String(), ExpirationTime: metav1.NewTime(r.Expires), Lapsed: r.Lapsed}
		for _, pod := range r.Pods {
			e.Pods = append(e.Pods, pod.String())
		}
		entries = append(entries, e)
	}
	return entries
}

// Register registers the metrics, which are read when they are asked for.
func (l *Learner) Register(r prometheus.Registerer) error {
	of := func(value func() uint64) func() float64 {
		return func() float64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return float64(value())
		}
	}
	counter := func(name, help string, value func() uint64) error {
		return r.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, of(value)))
	}
	return errors.Join(
		r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "antrea_agent_fqdn_cache_addresses", Help: "Addresses of domain names that rules are about, counted for every Pod that was told.",
		}, of(func() uint64 { return uint64(l.cache.Len()) }))), //nolint:gosec // it is no less than 0
		counter("antrea_agent_fqdn_cache_evicted_total", "Addresses of domain names that were forgotten because there were too many.",
			func() uint64 { return l.cache.Evicted }),
		counter("antrea_agent_fqdn_answers_heard_total", "DNS messages to Pods with rules about domain names.", func() uint64 { return l.counts.heard }),
		counter("antrea_agent_fqdn_answers_unread_total", "Of these and of packets that should have had one, what could not be read.",
			func() uint64 { return l.counts.unread }),
		counter("antrea_agent_fqdn_answers_late_total", "Answers that went on to their Pod before the addresses in them were in the switch.",
			func() uint64 { return l.counts.late }),
	)
}
