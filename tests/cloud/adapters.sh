#!/usr/bin/env bash
# Holds the AWS adapters to the ports' contracts on two clouds that others wrote: ministack, and moto as a second opinion.
#
#     tests/cloud/adapters.sh
set -euo pipefail
. "$(dirname "$0")/../../infra/tools.sh"
cd "$root"

server=
stop() { if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=; fi; }
trap stop EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# on NAME PORT [ARGUMENT...]: the suites against what listens there; what follows is for the tests' own command line.
on() {
  for _ in $(seq 100); do
    if python3 -c "import socket; socket.create_connection(('127.0.0.1', $2), 1)" 2>/dev/null; then break; fi
    kill -0 "$server" 2>/dev/null || { cat "$tools/$1.log"; echo "$1 did not start"; exit 1; }
    sleep 0.1
  done
  echo "== $1"
  cargo test --quiet --locked --package aws -- "${@:3}"
  stop
}

cargo test --quiet --locked --package aws --no-run

export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_SESSION_TOKEN

ministack
port=$(free_port)
export AWS_ENDPOINT_URL=http://127.0.0.1:$port
BIND_HOST=127.0.0.1 GATEWAY_PORT=$port IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 MINISTACK_REGION=us-east-1 STATE_DIR=$tools/state TMPDIR=$tools \
  "$tools/ministack/bin/ministack" >"$tools/ministack.log" 2>&1 &
server=$!
on ministack "$port"

environment moto "moto[s3,dynamodb,server]==5.2.5"
port=$(free_port)
export AWS_ENDPOINT_URL=http://127.0.0.1:$port
"$tools/moto/bin/moto_server" --host 127.0.0.1 --port "$port" >"$tools/moto.log" 2>&1 &
server=$!
# moto undoes a transaction that fails by putting back a copy of the table, and with it what others wrote meanwhile: no place for
# writers at the same moment.
on moto "$port" --skip one_of_many_writers_is_first
