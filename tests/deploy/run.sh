#!/usr/bin/env bash
# Checks the templates against their schemas, CloudFormation's description of its resources, and the
# code, and runs the functions of s.yaml with Serverless Devs. Arguments go to `go test`.
set -euo pipefail
cd "$(dirname "$0")"
if command -v npm >/dev/null && command -v node >/dev/null; then
	if ! cmp -s package-lock.json node_modules/.installed; then
		npm ci --silent --no-audit --no-fund
		cp package-lock.json node_modules/.installed
	fi
elif [ -n "${CI:-}" ]; then
	echo "tests/deploy: CI needs node and npm (Node 20 or newer)" >&2
	exit 1
fi
../clouds/serverless-devs/run.sh "$@"
exec "${GO:-go}" test -count=1 -timeout 40m "$@" ./...
