package agent

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// reviewed is the fake API server of an agent of a test, for whose own API every token is good. The reviews need one that speaks
// HTTP.
type reviewed struct {
	*fake.Clientset
	reviews kubernetes.Interface
}

func (r reviewed) AuthenticationV1() authenticationclient.AuthenticationV1Interface {
	return r.reviews.AuthenticationV1()
}

func (r reviewed) AuthorizationV1() authorizationclient.AuthorizationV1Interface {
	return r.reviews.AuthorizationV1()
}

// newReviewed also writes Events to standard error.
func newReviewed(kube *fake.Clientset) (kubernetes.Interface, error) {
	kube.PrependReactor("create", "events", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if e, ok := action.(clienttesting.CreateAction).GetObject().(*corev1.Event); ok {
			fmt.Fprintf(os.Stderr, "Event %s on %s %s: %s\n", e.Reason, e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Message)
			return true, e, nil // the fake one makes no names up, and would take no second Event
		}
		return false, nil, nil
	})
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, r *http.Request, review any, allow func()) {
		_ = json.NewDecoder(r.Body).Decode(review)
		allow()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review)
	}
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", func(w http.ResponseWriter, r *http.Request) {
		var review authenticationv1.TokenReview
		answer(w, r, &review, func() {
			review.Status = authenticationv1.TokenReviewStatus{
				Authenticated: true, Audiences: review.Spec.Audiences, User: authenticationv1.UserInfo{Username: "operator"},
			}
		})
	})
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", func(w http.ResponseWriter, r *http.Request) {
		var review authorizationv1.SubjectAccessReview
		answer(w, r, &review, func() { review.Status.Allowed = true })
	})
	server := httptest.NewServer(mux) // as long as the process
	reviews, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	return reviewed{kube, reviews}, err
}

// ask asks the agent's own API.
func (n *testNode) ask(method, path string) ([]byte, error) {
	if n.client == nil {
		n.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the certificate is of this Node's own making
			DialContext: func(_ context.Context, network, address string) (conn net.Conn, err error) {
				err = inNamespace(n.ns, func() error {
					conn, err = net.DialTimeout(network, address, 5*time.Second)
					return err
				})
				return conn, err
			},
		}}
		n.t.Cleanup(n.client.CloseIdleConnections)
	}
	request, err := http.NewRequestWithContext(n.t.Context(), method, "https://127.0.0.1:10350"+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer operator")
	response, err := n.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return body, err
}

// drift is what antctl verify flows asks for.
func (n *testNode) drift(repair bool) systemv1alpha1.DriftList {
	n.t.Helper()
	method := http.MethodGet
	if repair {
		method = http.MethodPost
	}
	body, err := n.ask(method, "/apis/system.antrea.io/v1alpha1/nodes/"+n.name+"/drift")
	var list systemv1alpha1.DriftList
	if err == nil {
		err = json.Unmarshal(body, &list)
	}
	if err != nil {
		n.t.Fatalf("drift of %s: %v", n.name, err)
	}
	return list
}

// counted are the samples of a metric, by their labels as they are written.
func (n *testNode) counted(metric string) map[string]int {
	n.t.Helper()
	body, err := n.ask(http.MethodGet, "/metrics")
	if err != nil {
		n.t.Fatalf("metrics of %s: %v", n.name, err)
	}
	counts := make(map[string]int)
	for line := range strings.Lines(string(body)) {
		labels, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), metric+"{"), "} ")
		if !ok || !strings.HasPrefix(line, metric+"{") {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			n.t.Fatalf("%s: %v", line, err)
		}
		counts[labels] = int(number)
	}
	return counts
}
