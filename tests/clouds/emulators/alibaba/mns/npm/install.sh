#!/usr/bin/env bash
# Installs the official client into node_modules, once for each state of package-lock.json.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v npm >/dev/null; then
	echo "tests/clouds/emulators/alibaba/mns: node and npm are needed (Node 20 or newer)" >&2
	exit 1
fi
if ! cmp -s package-lock.json node_modules/.installed; then
	npm ci --silent --no-audit --no-fund
	cp package-lock.json node_modules/.installed
fi
