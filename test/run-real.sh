#!/usr/bin/env bash
# The tests that need root and real parts: every TestReal beside its package, then scenario S1 in a lab of its own. Before them, policies
# against what others have written, which is a module of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
(cd test/cyclonus && go test -mod=mod -count=1 -v .)
go test -count=1 -p 1 -timeout 20m -run '^TestReal' $(go list ./... | grep -v -e /test/e2e -e /test/kernel)
go test -count=1 -v -timeout 60m -run '^TestReal' ./test/e2e/...
