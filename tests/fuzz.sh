#!/usr/bin/env bash
# Runs the fuzz targets and prints one line for each: its statistics, or what it found. Exits with 1
# if a target found something.
#   FUZZTIME=30s  how long each runs
#   FUZZ=.        a regular expression that selects lines "package target"
#   FUZZJOBS=1    how many run at a time; they share the processors
# Inputs that reach new code stay in Go's cache, and the next run starts from them; `go clean
# -fuzzcache` deletes them.
set -euo pipefail
cd "$(dirname "$0")/.."
export GO=${GO:-go} FUZZTIME=${FUZZTIME:-30s} FUZZJOBS=${FUZZJOBS:-1} FUZZ=${FUZZ:-.}
processors=$(getconf _NPROCESSORS_ONLN)
export WORKERS=$(((processors + FUZZJOBS - 1) / FUZZJOBS))
export LOGS=$(mktemp -d)
trap 'rm -rf "$LOGS"' EXIT

# emulators is a module of its own: Go fuzzes packages of the main module alone.
export EMULATORS=millrace/tests/clouds/emulators

# targets prints "package target" for every target that FUZZ selects.
targets() {
	"$GO" test -list '^Fuzz' ./... "$EMULATORS/..." | awk '/^Fuzz/ { names[++n] = $1 }
		/^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }' | grep -E -e "$FUZZ"
}

# one runs target $2 of package $1. It minimizes an input that reaches new code in at most 50 runs. By
# default Go spends up to a minute on each, which is most of the time of a target that finds new code.
one() {
	local log="$LOGS/${1//\//_}.$2" cpu TIMEFORMAT='%U %S' status=0 module=.
	if [[ $1 == "$EMULATORS"* ]]; then module=${EMULATORS#millrace/}; fi
	cpu=$({ time "$GO" -C "$module" test -run '^$' -fuzz "^$2\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 50x -parallel "$WORKERS" -timeout 0 "$1" >"$log" 2>&1; } 2>&1) || status=$?
	if [ $status != 0 ] && ! late "$log"; then
		echo "FAIL $1 $2"
		cat "$log"
		return 1
	fi
	tail -n 6 "$log" | awk -v of="$1 $2" -v cpu="$cpu" 'BEGIN { split(cpu, s, " ") }
		/execs:/ { execs = $5; new = $0; sub(/.*interesting: /, "", new); sub(/ .*/, "", new) }
		END { printf "ok %s: %d runs, %d new inputs, %.0f s of a processor\n", of, execs, new, s[1] + s[2] }'
}

# late reports whether the run in log $1 failed only because Go ended it late
# (golang.org/issue/75804).
late() { grep -q '^ *context deadline exceeded$' "$1" && ! grep -q -e 'Failing input' -e '^panic:' "$1"; }

export -f one late
targets >"$LOGS/targets" || { echo "no target is named by FUZZ='$FUZZ'" >&2 && exit 2; }
echo "targets: $(wc -l <"$LOGS/targets"), $FUZZTIME each, $FUZZJOBS at a time; workers of each: $WORKERS"
xargs -P "$FUZZJOBS" -L 1 bash -c 'one "$0" "$1" || exit 1' <"$LOGS/targets"
