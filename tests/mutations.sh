#!/usr/bin/env bash
# Breaks promises on purpose, one patch each (tests/mutations), and calls the test that must notice.
#
#   tests/mutations.sh               all of them
#   tests/mutations.sh no-sync ...   those whose name holds one of these words
#   tests/mutations.sh --check       whether each patch still applies, and no more
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --check ]; then
  for patch in tests/mutations/*.patch; do
    git apply --check "$patch" || { echo "mutations: $patch does not apply any more"; exit 1; }
  done
  exit 0
fi
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/mutations} CARGO_INCREMENTAL=0
work=$(mktemp -d)
trap 'git worktree remove --force "$work/tree" 2>/dev/null; rm -rf "$work"' EXIT
git worktree add --quiet --detach "$work/tree" HEAD
missed=0 tried=0
declare -A green
for patch in tests/mutations/*.patch; do
  if [ $# -gt 0 ] && ! grep -qE "$(IFS='|'; echo "$*")" <<<"$patch"; then continue; fi
  promise=$(sed -n 's/^Promise: //p' "$patch")
  test=$(sed -n 's/^Test: //p' "$patch")
  patch=$PWD/$patch
  tried=$((tried + 1))
  export CLOSING_BELL=$CARGO_TARGET_DIR/debug/closing-bell
  # What is red by itself would show nothing.
  if [ -z "${green[$test]:-}" ]; then
    if ! (cd "$work/tree" && RUST_BACKTRACE=0 bash -c "$test" >"$work/out" 2>&1); then
      echo "? \`$test\` is red without any patch"; tail -20 "$work/out"; missed=1; continue
    fi
    green[$test]=1
  fi
  (
    cd "$work/tree"
    git apply "$patch"
    code=0
    RUST_BACKTRACE=0 bash -c "$test" >"$work/out" 2>&1 || code=$?
    git checkout --quiet .
    if grep -q "^error: could not compile" "$work/out"; then
      echo "? $promise: the patch does not compile"; tail -20 "$work/out"; exit 1
    elif [ "$code" = 0 ]; then
      echo "! $promise: broken, and \`$test\` does not notice"; exit 1
    fi
    echo "ok $promise: \`$test\` is red ($(grep -oE "^[a-z_]+ --- FAILED|test [a-z_:]+ \.\.\. FAILED|^Seed [0-9]+ finds something|power_cut: [a-z ]+, cut after step [0-9]+" "$work/out" | head -1))"
  ) || missed=1
done
[ "$tried" -gt 0 ] || { echo "mutations: no patch is called so"; exit 1; }
exit $missed
