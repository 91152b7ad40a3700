#!/usr/bin/env bash
# The emulators against further official clients. Arguments go to `go test`; not -race, the TableStore SDK v4.1.3 races with
# itself when it tries again.
set -euo pipefail
cd "$(dirname "$0")"
exec "${GO:-go}" test -count=1 -timeout 40m "$@" ./...
