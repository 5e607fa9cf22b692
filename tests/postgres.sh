#!/usr/bin/env bash
# Series from a PostgreSQL server that really runs: started here, in a folder of its own, and stopped again.
set -euo pipefail
cd "$(dirname "$0")/.."

# Without a server the queries are not tested, and that must not be overlooked.
refuse() {
    printf '\n%s\n' "!!!!  POSTGRESQL IS NOT TESTED: $1" >&2
    [ "${CI:-}" = true ] && exit 1
    exit 0
}
find_server() { dirname "$(ls -d /usr/lib/postgresql/*/bin/initdb /usr/local/bin/initdb /opt/homebrew/bin/initdb 2>/dev/null | tail -1)" 2>/dev/null; }
command -v openssl >/dev/null || refuse "openssl is not installed"
bin=$(find_server)
if [ ! -x "$bin/postgres" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
    bin=$(find_server)
fi
[ -x "$bin/postgres" ] || refuse "there is no server (Debian's package is postgresql)"

work=$(mktemp -d)
# It does not run as root.
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME="$work" "$@"; else "$@"; fi; }
trap 'as "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
(
    cd "$work"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout authority.key -out authority.pem
    openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
    openssl x509 -req -days 2 -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -out server.pem \
        -extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1')
) 2>/dev/null
echo 'a-secret/&:word' >"$work/password"
chmod 600 "$work/server.key"
[ "$(id -u)" != 0 ] || chown -R nobody:nogroup "$work"
as "$bin/initdb" -D "$work/data" -U bell --auth=scram-sha-256 --pwfile="$work/password" --no-sync >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
as "$bin/pg_ctl" -D "$work/data" -w -l "$work/log" start -o "-p $port -k $work -c fsync=off -c ssl=on \
    -c ssl_cert_file=$work/server.pem -c ssl_key_file=$work/server.key" >/dev/null
export POSTGRES_PORT=$port POSTGRES_PASSWORD='a-secret/&:word' POSTGRES_AUTHORITY=$work/authority.pem
chmod 755 "$work"
# With the whole workspace, as `cargo test` has built it.
cargo test --locked --quiet --workspace --test postgres -- --ignored "$@"
