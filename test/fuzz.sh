#!/usr/bin/env bash
# Fuzzes every target that there is, one after the other: test/fuzz.sh TIME [PACKAGE…], with a time as go test -fuzztime has
# it, for each. Inputs that fail are written to testdata/fuzz of the package; commit them with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."
fuzztime=$1
shift
packages=("$@")
[ ${#packages[@]} -gt 0 ] || mapfile -t packages < <(grep -rl --include='*_test.go' '^func Fuzz' cmd pkg build test | xargs -n1 dirname | sort -u | sed 's|^|./|')
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
printf '%-14s %-24s %12s %8s %8s  %s\n' package target executions inputs seconds result
for package in "${packages[@]}"; do
	go test -c -fuzz=. -o "$scratch/fuzz.test" "$package"
	path=$(go list "$package")
	for target in $(cd "$package" && "$scratch/fuzz.test" -test.list '^Fuzz'); do
		start=$SECONDS result=ok
		(cd "$package" && "$scratch/fuzz.test" -test.run='^$' -test.fuzz="^$target\$" -test.fuzztime="$fuzztime" -test.parallel=1 \
			-test.fuzzcachedir="$(go env GOCACHE)/fuzz/$path") >"$scratch/log" 2>&1 || result=FAILED
		# When the time is over, the fuzzer of Go before 1.27 can take that for a failure (go.dev/issue/75804). Then it says this,
		# and nothing else. An input that takes ten seconds is one that failed.
		if [ "$(sed '/^fuzz: /d; s/ ([0-9.]*s)$//' "$scratch/log")" = "--- FAIL: $target"$'\n    context deadline exceeded\nFAIL' ]; then
			result=ok
		fi
		last=$(grep -o 'execs: [0-9]*.*' "$scratch/log" | tail -1 || true)
		execs=$(sed -n 's/execs: \([0-9]*\).*/\1/p' <<<"$last") total=$(sed -n 's/.*total: \([0-9]*\)).*/\1/p' <<<"$last")
		printf '%-14s %-24s %12s %8s %8s  %s\n' "${package##*/}" "$target" "${execs:-0}" "${total:-0}" $((SECONDS - start)) $result
		if [ $result != ok ]; then
			failed=1
			tail -40 "$scratch/log"
		fi
	done
done
exit $failed
