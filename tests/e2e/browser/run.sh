#!/usr/bin/env bash
# The console in Chromium. Installs Chromium from Debian's packages and axe-core from npm when they are missing.
# Arguments go to `go test`; with -args -screenshots FOLDER it also writes the pictures of docs/console.md.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v chromium >/dev/null; then
	echo "tests/e2e/browser: installing chromium" >&2
	options=(-y -qq --no-install-recommends -o DPkg::Lock::Timeout=300)
	as_root=()
	if [ "$(id -u)" -ne 0 ]; then
		as_root=(sudo -n)
	fi
	packages=(chromium fonts-dejavu-core fonts-wqy-microhei)
	if ! command -v apt-get >/dev/null ||
		! { "${as_root[@]}" apt-get install "${options[@]}" "${packages[@]}" >/dev/null 2>&1 ||
			{ "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install "${options[@]}" "${packages[@]}" >/dev/null; }; }; then
		echo "tests/e2e/browser: chromium is missing, and not to be had by apt-get: install it" >&2
		[ -z "${CI:-}" ] || exit 1
		exit 0
	fi
fi
if ! cmp -s package-lock.json node_modules/.installed; then
	npm ci --silent --no-audit --no-fund --ignore-scripts
	cp package-lock.json node_modules/.installed
fi
exec "${GO:-go}" test -count=1 -timeout 20m "$@" ./...
