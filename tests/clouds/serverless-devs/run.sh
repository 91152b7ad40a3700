#!/usr/bin/env bash
# Functions run by Serverless Devs on this machine, without Docker and network. Arguments go to `go test`.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
	if [ -n "${CI:-}" ]; then
		echo "tests/clouds/serverless-devs: CI needs node and npm (Node 18 or newer)" >&2
		exit 1
	fi
	echo "tests/clouds/serverless-devs: skipped, node and npm are not there"
	exit 0
fi
if ! cmp -s package-lock.json node_modules/.installed; then
	npm ci --silent --no-audit --no-fund
	cp package-lock.json node_modules/.installed
fi
make --silent --no-print-directory -C ../../.. GO="${GO:-go}" build-fc-host >/dev/null
SERVERLESS_DEVS="$PWD/node_modules/.bin/s" exec "${GO:-go}" test -count=1 -timeout 40m "$@" .
