package apiserver

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	apimachineryversion "k8s.io/apimachinery/pkg/version"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/secureserver"
	"github.com/antrea-mc/antrea-mc/pkg/version"
)

type handlers struct {
	node  string
	agent Agent
}

// health answers "ok", or says what is wrong, as Kubernetes' own components do.
func health(check func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if err := check(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}

func metrics(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{})
}

func (h handlers) version(w http.ResponseWriter, _ *http.Request) {
	secureserver.WriteJSON(w, apimachineryversion.Info{GitVersion: version.String()})
}

// ofThisNode refuses requests that were meant for another Node and only came here because its address has moved.
func (h handlers) ofThisNode(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if node := r.PathValue("node"); node != h.node {
			secureserver.WriteError(w, apierrors.NewNotFound(schema.GroupResource{Resource: "nodes"}, node))
			return
		}
		next(w, r)
	}
}

func (h handlers) info(w http.ResponseWriter, r *http.Request) {
	info := h.agent.Info(r.Context())
	info.TypeMeta = typeMeta("AgentInfo")
	info.Node = h.node
	info.Version = version.String()
	secureserver.WriteJSON(w, info)
}

func (h handlers) gatewayPeers(w http.ResponseWriter, r *http.Request) {
	list, err := h.agent.GatewayPeers(r.Context())
	list.TypeMeta, list.Node = typeMeta("GatewayPeerList"), h.node
	answer(w, list, err)
}

func (h handlers) podInterfaces(w http.ResponseWriter, r *http.Request) {
	list, err := h.agent.PodInterfaces(r.Context())
	list.TypeMeta, list.Node = typeMeta("PodInterfaceList"), h.node
	answer(w, list, err)
}

func (h handlers) drops(w http.ResponseWriter, r *http.Request) {
	list, err := h.agent.Drops(r.Context())
	list.TypeMeta, list.Node = typeMeta("DropList"), h.node
	answer(w, list, err)
}

// answer writes an object, or the error instead.
func answer(w http.ResponseWriter, object any, err error) {
	if err != nil {
		secureserver.WriteError(w, err)
		return
	}
	secureserver.WriteJSON(w, object)
}

// drift compares; a POST also repairs.
func (h handlers) drift(w http.ResponseWriter, r *http.Request) {
	list, err := h.agent.Drift(r.Context(), r.Method == http.MethodPost)
	list.TypeMeta, list.Node = typeMeta("DriftList"), h.node
	answer(w, list, err)
}

func (h handlers) networkPolicyRules(w http.ResponseWriter, r *http.Request) {
	list, err := h.agent.NetworkPolicyRules(r.Context())
	if err != nil {
		secureserver.WriteError(w, err)
		return
	}
	list.TypeMeta = typeMeta("NetworkPolicyRuleList")
	list.Node = h.node
	secureserver.WriteJSON(w, list)
}

func (h handlers) fqdnCache(w http.ResponseWriter, r *http.Request) {
	list, err := h.agent.FQDNCache(r.Context(), r.URL.Query().Get(systemv1alpha1.ParamDomain))
	list.TypeMeta, list.Node = typeMeta("FQDNCacheEntryList"), h.node
	answer(w, list, err)
}

func (h handlers) flows(w http.ResponseWriter, r *http.Request) {
	query, err := parseFlowQuery(r.URL.Query())
	if err != nil {
		secureserver.WriteError(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	flows, err := h.agent.Flows(r.Context(), query)
	if err != nil {
		secureserver.WriteError(w, err)
		return
	}
	list := systemv1alpha1.OVSFlowList{TypeMeta: typeMeta("OVSFlowList"), Node: h.node, Items: []systemv1alpha1.OVSFlow{}}
	for _, f := range flows {
		list.Items = append(list.Items, systemv1alpha1.OVSFlow{
			Table:           int(f.Table),
			TableName:       pipeline.TableName(f.Table),
			Priority:        int(f.Priority),
			Cookie:          fmt.Sprintf("%#x", f.Cookie),
			DurationSeconds: f.Duration.Seconds(),
			Packets:         f.Packets,
			Bytes:           f.Bytes,
			Text:            f.String(),
		})
	}
	secureserver.WriteJSON(w, list)
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: systemv1alpha1.GroupVersion.String(), Kind: kind}
}

func parseFlowQuery(values url.Values) (FlowQuery, error) {
	var q FlowQuery
	for name := range values {
		value := values.Get(name)
		switch name {
		case systemv1alpha1.ParamTable:
			id, err := parseTable(value)
			if err != nil {
				return FlowQuery{}, err
			}
			q.Table = &id
		case systemv1alpha1.ParamPod:
			namespace, pod, ok := strings.Cut(value, "/")
			if !ok || namespace == "" || pod == "" {
				return FlowQuery{}, fmt.Errorf("pod %q is not NAMESPACE/NAME", value)
			}
			q.Pod = types.NamespacedName{Namespace: namespace, Name: pod}
		case systemv1alpha1.ParamCluster:
			q.Cluster = value
		default:
			return FlowQuery{}, fmt.Errorf("unknown parameter %q", name)
		}
	}
	return q, nil
}

func parseTable(text string) (openflow.TableID, error) {
	if id, ok := pipeline.TableByName(text); ok {
		return id, nil
	}
	id, err := strconv.ParseUint(text, 10, 8)
	if err != nil || openflow.TableID(id) == openflow.TableAll {
		return 0, fmt.Errorf("table %q is neither a number from 0 to 254 nor one of %s", text, tableNames())
	}
	return openflow.TableID(id), nil
}

func tableNames() string {
	var names []string
	for _, id := range pipeline.Tables() {
		names = append(names, pipeline.TableName(id))
	}
	return strings.Join(names, ", ")
}
