#!/usr/bin/env bash
# The released official clients against the built server. Arguments go to `go test`; not -race, the clients race with
# themselves. With MILLRACE_WIRE_ENDPOINT and the other variables of deployment_test.go they run against what is there.
set -euo pipefail
cd "$(dirname "$0")"
./install.sh
exec "${GO:-go}" test -count=1 -timeout 40m -parallel 16 "$@" ./...
