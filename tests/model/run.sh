#!/usr/bin/env bash
# Searches the models of the commit protocol (docs/model.md). Installs spin and gcc from Debian's packages when they are
# missing. Arguments go to the tests: -long searches the larger configurations.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
for tool in spin gcc; do
	command -v "$tool" >/dev/null || missing+=("$tool")
done
if ((${#missing[@]})); then
	echo "tests/model: installing ${missing[*]}" >&2
	options=(-y -qq -o DPkg::Lock::Timeout=300) # another program may be installing
	as_root=()
	if [ "$(id -u)" -ne 0 ]; then
		as_root=(sudo -n)
	fi
	if ! command -v apt-get >/dev/null ||
		! { "${as_root[@]}" apt-get install "${options[@]}" "${missing[@]}" >/dev/null 2>&1 ||
			{ "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install "${options[@]}" "${missing[@]}" >/dev/null; }; }; then
		echo "tests/model: ${missing[*]} missing, and not to be had by apt-get: install spin 6.5 (https://spinroot.com) and gcc" >&2
		exit 1
	fi
fi
export MILLRACE_MODEL=1
exec ${GO:-go} test -count=1 -timeout 60m ${VERBOSE:+-v} ./tests/model -args "$@"
