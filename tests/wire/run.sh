#!/usr/bin/env bash
# The released official clients against the built server. Arguments go to `go test`; not -race, the clients race with
# themselves.
set -euo pipefail
cd "$(dirname "$0")"
if command -v npm >/dev/null; then
	npm ci --silent --no-audit --no-fund
elif [ -n "${CI:-}" ]; then
	echo "tests/wire: CI needs node and npm" >&2
	exit 1
fi
exec "${GO:-go}" test -count=1 -parallel 16 "$@" ./...
