# Plain `make` lists the targets. Nothing here needs more than Go, apt and, for demo, test and bench, root.
SHELL := /bin/bash
GO ?= go
GOOS ?= $(shell $(GO) env GOOS)
GOARCH ?= $(shell $(GO) env GOARCH)
IMAGE_PREFIX ?= antrea-mc
TAG ?= latest
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LAB ?= demo
FUZZTIME ?= 1m
# Of e2e-multus: how many Pods come and go, and what is killed when.
PODS ?= 600
SEED ?= 1
LDFLAGS := -s -w -X github.com/antrea-mc/antrea-mc/pkg/version.version=$(VERSION)
BENCHMARKS = $(sort $(dir $(shell grep -rl '^func Benchmark' --include='*_test.go' ./pkg)))
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup images ## scenario S1 on this machine, shown step by step; leaves the lab running (root)
	$(GO) run ./test/demo --lab $(LAB)

.PHONY: demo-cluster
demo-cluster: setup images ## scenario S2, one cluster without kube-proxy, shown and checked; leaves the lab demo-cluster running (root)
	$(GO) run ./test/democluster

.PHONY: demo-multus
demo-multus: setup images ## scenario S3 on this machine, shown step by step; leaves the lab multus running (root)
	$(GO) run ./test/demo-multus

.PHONY: test
test: setup check images ## all that gates a change: check, tests on a real switch and API server, the kernel datapath in a guest, S1 in the lab (root)
	test/run-real.sh

.PHONY: e2e-failover
e2e-failover: setup images ## every fault at gateways under traffic, and the table of what each costs, as out/failover.json too (root)
	$(GO) test -count=1 -v -timeout 4h -run '^TestRealFailover$$' ./test/failover -args -full -json $(CURDIR)/out/failover.json

.PHONY: e2e-faults
e2e-faults: setup images ## everything of a Node that can fail, under traffic, and the table of what each costs, as out/faults.json too (root)
	$(GO) test -count=1 -v -timeout 2h -run '^TestRealFaults$$' ./test/faults -args -full -json $(CURDIR)/out/faults.json

.PHONY: e2e-policies
e2e-policies: setup images ## scenario S2 with policySource: controller, and without controller, and without API (root)
	$(GO) test -count=1 -v -timeout 30m -run '^TestRealScenario$$' ./test/s2 -args -controller

.PHONY: e2e-multus
e2e-multus: setup images ## Pods with three networks while plugins, daemons, agents, kubelets, API server and etcd are killed, and what is left (root)
	$(GO) test -count=1 -v -timeout 3h -run '^TestRealKilled$$' ./test/s3 -args -full -lab killed -pods $(PODS) -seed $(SEED)

.PHONY: soak
soak: setup ## 2 000 times a Pod that comes and goes, 200 restarts of the agent, and what that leaves behind (root)
	$(GO) test -count=1 -v -timeout 2h -run '^TestRealSoak$$' ./pkg/agent -args -cycles 2000 -restarts 200

.PHONY: e2e-kernel
e2e-kernel: ## the pipeline on the kernel's datapath, in a guest with a kernel of its own (root)
	test/kernel/install.sh
	$(GO) test -count=1 -v -timeout 45m -run '^TestReal' ./test/kernel

.PHONY: e2e-k8s
e2e-k8s: setup images ## Kubernetes' own network tests in a cluster without kube-proxy, and what became of them (root)
	$(GO) run ./test/conformance

.PHONY: check
check: ## lint and unit tests (no root, no network once modules are there)
	@bad=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$bad" || { echo "gofmt: $$bad"; exit 1; }
	$(GO) vet ./...
	$(LINT) run
	$(GO) test -race -skip '^TestReal' ./...

.PHONY: fuzz
fuzz: ## every fuzz target, FUZZTIME each
	test/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: setup images ## benchmarks, one after the other, and the figures of S1 in a lab of its own (root)
	$(GO) test -run '^$$' -bench . -skip '^BenchmarkReal' -benchtime 0.2s -benchmem -p 1 $(BENCHMARKS)
	$(GO) test -run '^$$' -bench '^BenchmarkRealLimits' -benchtime 1x ./pkg/ovs/ofconn
	$(GO) test -run '^$$' -bench '^BenchmarkRealRestart' -benchtime 1x ./pkg/agent/flows
	$(GO) test -run '^$$' -bench '^BenchmarkRealServices' -benchtime 1x ./pkg/agent/services
	$(GO) test -run '^$$' -bench '^BenchmarkRealPolicies' -benchtime 1x ./pkg/agent/policies
	$(GO) test -run '^$$' -bench '^BenchmarkRealSessions' -benchtime 1x ./pkg/agent/probe
	$(GO) test -run '^$$' -bench '^BenchmarkRealPodAddDel' -benchtime 100x ./pkg/agent
	$(GO) test -run '^$$' -bench '^BenchmarkRealPodMemory' -benchtime 1x ./pkg/agent
	$(GO) test -run '^$$' -bench '^BenchmarkRealStart' -benchtime 200x ./plugins/whereabouts
	$(GO) test -run '^$$' -bench '^BenchmarkRealAddresses' -benchtime 1x -timeout 1h ./plugins/whereabouts
	$(GO) run ./test/demo --lab bench; status=$$?; bin/antrea-lab --lab bench down && exit $$status

.PHONY: build
build: ## the binaries of GOOS/GOARCH in bin/
	CGO_ENABLED=0 GOOS=$(GOOS) GOARCH=$(GOARCH) $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/... ./plugins/...

.PHONY: images
images: build ## OCI archives in out/images, made without a registry
	$(GO) run ./build/images --prefix $(IMAGE_PREFIX) --tag $(TAG) --arch $(GOARCH) --out out/images

.PHONY: manifest
manifest: ## antrea-mc.yml and the other manifests here for IMAGE_PREFIX and TAG
	$(GO) run ./build/manifest --prefix $(IMAGE_PREFIX) --tag $(TAG)

.PHONY: generate
generate: ## deepcopy functions, CRDs, reference pages and the manifest
	$(GO) generate ./...
	$(MAKE) manifest

.PHONY: setup
setup: ## what the lab needs on this machine: packages, Kubernetes and images in a cache outside the tree (root)
	test/lab/install.sh
	$(MAKE) build
	bin/antrea-lab build

.PHONY: clean-lab
clean-lab: ## take the demo's lab down
	test ! -x bin/antrea-lab || bin/antrea-lab --lab $(LAB) down
