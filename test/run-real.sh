#!/usr/bin/env bash
# The tests that need root and real parts: policies against what others have written, which is a module of its own; every TestReal beside
# its package; then scenario S1 in a lab of its own. Most of their time they wait, so two parts that may take longer run beside them, with
# less claim to the processors: the kernel's datapath in a guest, and what needs API servers alone, but not while packets are counted.
# What they print is shown at the end.
# shellcheck disable=SC2046,SC2086 # lists of words
set -euo pipefail
cd "$(dirname "$0")/.."

names=() groups=()
scratch=$(mktemp -d)
cleanup() {
  for group in "${groups[@]}"; do
    [ -z "$group" ] || kill -- "-$group" 2>/dev/null || true # with all that it has started
  done
  rm -rf "$scratch"
}
trap cleanup EXIT

# beside NAME NICENESS COMMAND... starts a command in a process group of its own.
beside() {
  set -m
  nice -n "$2" "${@:3}" >"$scratch/${#names[@]}" 2>&1 &
  set +m
  names+=("$1") groups+=($!)
}

packets="./pkg/agent/... ./pkg/ovs/... ./pkg/pipeline/..."
api="./build/manifests ./pkg/controller/policystatus ./pkg/multicluster ./plugins/multus ./plugins/whereabouts"
real="go test -count=1 -p 1 -timeout 30m -run ^TestReal"

(cd test/cyclonus && go test -mod=mod -count=1 -v .)
untested="the kernel's datapath. What test/kernel/install.sh needs cannot be installed here, see above."
if test/kernel/install.sh; then
  untested=
  beside "the kernel's datapath" 19 $real -v -short -timeout 60m ./test/kernel
fi
$real $packets
# In a network of its own: ports that were free a moment ago are not given to others.
beside "API servers" 10 unshare --net bash -c "ip link set lo up && $real $api"
$real $(go list ./... | grep -v -x -F -f <(go list $packets $api ./test/kernel/... ./test/e2e/...))
$real -v -timeout 60m ./test/e2e/...

status=0
for i in "${!names[@]}"; do
  wait "${groups[i]}" || status=$?
  groups[i]=
  echo "run-real.sh: ${names[i]}"
  cat "$scratch/$i"
done
[ -z "$untested" ] || echo "run-real.sh: NOT TESTED: $untested"
exit "$status"
