#!/usr/bin/env bash
# Holds the AWS adapters to the ports' contracts on two clouds that others wrote: ministack, and moto as a second opinion.
# Their Python environments are made under target/ at the first start.
#
#     tests/cloud.sh
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/target/cloud
mkdir -p "$work"

command -v python3 >/dev/null || { echo "tests/cloud.sh needs python3"; exit 1; }

# environment NAME PACKAGE...: a virtual environment with these packages, made once for this list of them.
environment() {
  local name=$1 && shift
  local marker=$work/$name/installed
  if [ "$(cat "$marker" 2>/dev/null)" != "$*" ]; then
    echo "installing $* ..."
    rm -rf "${work:?}/$name"
    python3 -m venv "$work/$name"
    "$work/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
    echo "$*" >"$marker"
  fi
}

server=
stop() { if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=; fi; }
trap stop EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# on NAME PORT: the suites against what listens there.
on() {
  for _ in $(seq 100); do
    if python3 -c "import socket; socket.create_connection(('127.0.0.1', $2), 1)" 2>/dev/null; then break; fi
    kill -0 "$server" 2>/dev/null || { cat "$work/$1.log"; echo "$1 did not start"; exit 1; }
    sleep 0.1
  done
  echo "== $1"
  cargo test --quiet --locked --package aws
  stop
}

cargo test --quiet --locked --package aws --no-run

export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_SESSION_TOKEN

environment ministack ministack==1.5.33
port=$(free_port)
export AWS_ENDPOINT_URL=http://127.0.0.1:$port
BIND_HOST=127.0.0.1 GATEWAY_PORT=$port IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 MINISTACK_REGION=us-east-1 STATE_DIR=$work/state TMPDIR=$work \
  "$work/ministack/bin/ministack" >"$work/ministack.log" 2>&1 &
server=$!
on ministack "$port"

environment moto "moto[s3,dynamodb,server]==5.2.5"
port=$(free_port)
export AWS_ENDPOINT_URL=http://127.0.0.1:$port
"$work/moto/bin/moto_server" --host 127.0.0.1 --port "$port" >"$work/moto.log" 2>&1 &
server=$!
on moto "$port"
