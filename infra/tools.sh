# Sourced: the tools that deploy and test need, each in a Python environment of its own under target/cloud, where they are
# installed at their first use.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/target/cloud
mkdir -p "$tools"

# environment NAME PACKAGE...: a virtual environment with these packages, made once for this list of them.
environment() {
  local name=$1 && shift
  local marker=$tools/$name/installed
  if [ "$(cat "$marker" 2>/dev/null)" != "$*" ]; then
    command -v python3 >/dev/null || { echo "python3 is needed to install $*" >&2; return 1; }
    echo "installing $* ..." >&2
    rm -rf "${tools:?}/$name"
    python3 -m venv "$tools/$name"
    "$tools/$name/bin/pip" install --quiet --disable-pip-version-check "$@"
    echo "$*" >"$marker"
  fi
}

# Builds functions for Lambda; ziglang is the linker for its C library.
cargo_lambda() {
  environment cargo-lambda cargo-lambda==1.9.2 ziglang==0.17.0
  PATH=$tools/cargo-lambda/bin:$PATH cargo lambda "$@"
}

# Deploys; cfn-lint is what `sam validate --lint` looks with.
sam() {
  environment sam aws-sam-cli==1.170.0 cfn-lint==1.58.0
  SAM_CLI_TELEMETRY=0 "$tools/sam/bin/sam" "$@"
}

# The local cloud. It pins botocore, hence an environment of its own.
ministack() {
  environment ministack ministack==1.5.33 aws-sam-translator==1.115.0 boto3==1.43.106 botocore==1.43.106
}

functions() { (cd "$root/functions" && ls); }

# Builds every function, or those named.
build_functions() {
  local packages=()
  for name in ${*:-$(functions)}; do packages+=(--package "$name"); done
  cargo_lambda build --locked --profile lambda --output-format zip "--$(architecture)" "${packages[@]}"
}

# cargo lambda's name of ARCHITECTURE, which is the template's.
architecture() {
  case ${ARCHITECTURE:-arm64} in
    arm64) echo arm64 ;;
    x86_64) echo x86-64 ;;
    *) echo "ARCHITECTURE is '$ARCHITECTURE', but must be arm64 or x86_64" >&2; return 1 ;;
  esac
}
