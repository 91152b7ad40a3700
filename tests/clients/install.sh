#!/usr/bin/env bash
# Installs the Node.js client into node_modules, once for each state of package-lock.json.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v npm >/dev/null; then
	if [ -n "${CI:-}" ]; then
		echo "tests/clients: CI needs node and npm" >&2
		exit 1
	fi
	exit 0
fi
if ! cmp -s package-lock.json node_modules/.installed; then
	npm ci --silent --no-audit --no-fund
	cp package-lock.json node_modules/.installed
fi
