#!/usr/bin/env bash
# What linters see in template and state machine. What none of them sees is tested in shared/aws/tests/infra.
#
#     infra/lint.sh
set -euo pipefail
. "$(dirname "$0")/tools.sh"
cd "$root"

echo "== cfn-lint and sam validate"
sam --version >/dev/null
"$tools/sam/bin/cfn-lint" infra/template.yaml infra/store.yaml
AWS_DEFAULT_REGION=us-east-1 sam validate --lint --template infra/template.yaml

echo "== asl-validator"
if command -v npm >/dev/null; then
  asl=$tools/asl-validator
  [ -x "$asl/node_modules/.bin/asl-validator" ] || npm install --silent --no-fund --no-audit --prefix "$asl" asl-validator@4.0.0
  "$asl/node_modules/.bin/asl-validator" --json-path infra/state_machine.asl.json
else
  echo "asl-validator needs npm" >&2
  exit 1
fi

echo "== checkov"
environment checkov checkov==3.2.459
"$tools/checkov/bin/checkov" --config-file infra/checkov.yaml --file infra/template.yaml infra/store.yaml
