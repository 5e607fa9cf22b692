#!/usr/bin/env bash
# Builds the functions, deploys the stack into the account that the environment's credentials belong to, uploads
# closing-bell.toml where the bucket has none, and asks for the Tiingo token where the account has none yet.
#
#     infra/deploy.sh [Parameter=value]...        such as 'Schedule=cron(0 18 ? * MON-FRI *)'
#
# STACK (closing-bell), ARCHITECTURE (arm64) and CONFIG (closing-bell.toml) are read from the environment.
set -euo pipefail
. "$(dirname "$0")/tools.sh"
cd "$root"
stack=${STACK:-closing-bell}
config=${CONFIG:-closing-bell.toml}

# What is missing is said before anything is built.
architecture >/dev/null
sam --version >/dev/null
"$tools/sam/bin/python" - <<'PYTHON'
import sys
import boto3, botocore.exceptions

try:
    print("deploying to account", boto3.client("sts").get_caller_identity()["Account"])
except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
    sys.exit(f"no account to deploy to: {error} (AWS_REGION and credentials come from the environment or a profile)")
PYTHON

# The last bits of a model depend on the processor's kind: one deployment stays with one.
deployed=$("$tools/sam/bin/python" infra/stack.py "$stack" parameter Architecture)
if [ -n "$deployed" ] && [ "$deployed" != "${ARCHITECTURE:-arm64}" ] && [ -z "${FLIP:-}" ]; then
  echo "$stack runs on $deployed: ARCHITECTURE=$deployed deploys it again." >&2
  echo "On another one, models that are trained again and verdicts that are verified may differ in their last bits: FLIP=1 takes that." >&2
  exit 1
fi

# What the night would refuse is refused before anything is deployed.
cargo run --quiet --locked --package embedded -- check --config "$config"

build_functions
# SAM's own short form takes a value apart at its blanks, and cron(...) has some.
overrides=("ParameterKey=Architecture,ParameterValue=${ARCHITECTURE:-arm64}")
names=" "
for parameter in "$@"; do
  overrides+=("ParameterKey=${parameter%%=*},ParameterValue=\"${parameter#*=}\"")
  names+="${parameter%%=*} "
done

# known NAME: the command line says it, or the deployed stack has it and keeps it.
known() { [[ $names == *" $1 "* ]] || [ -n "$("$tools/sam/bin/python" infra/stack.py "$stack" parameter "$1")" ]; }

known TokenParameter || overrides+=("ParameterKey=TokenParameter,ParameterValue=/$stack/tiingo-token")
# What is kept is a stack of its own, which `make remove` leaves: a later deployment goes on with it.
if ! known Bucket || ! known Table; then
  sam deploy --template-file infra/store.yaml --stack-name "$stack-store" --no-confirm-changeset --no-fail-on-empty-changeset
  for name in Bucket Table; do
    known "$name" || overrides+=("ParameterKey=$name,ParameterValue=$("$tools/sam/bin/python" infra/stack.py "$stack-store" output "$name")")
  done
fi
# Of everything that may make functions other than they were: versions keep code and settings as they were published.
overrides+=("ParameterKey=Release,ParameterValue=$({ printf '%s\n' "${overrides[@]}"; cat target/lambda/*/bootstrap.zip infra/template.yaml; } | sha256sum | cut -c1-16)")

sam deploy --template-file infra/template.yaml --stack-name "$stack" --resolve-s3 --capabilities CAPABILITY_IAM \
  --no-confirm-changeset --no-fail-on-empty-changeset \
  --parameter-overrides "${overrides[@]}"
"$tools/sam/bin/python" infra/configure.py "$stack" "$config" --first
"$tools/sam/bin/python" infra/after_deploy.py "$stack"
