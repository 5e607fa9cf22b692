#!/usr/bin/env bash
# A disk that fills up in the middle of a night: clear errors, no backtrace; with room again, the same run completes.
# Needs to mount a small file system, so it runs as root alone and says so otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

disk=$(mktemp -d)
trap 'umount "$disk" 2>/dev/null; rm -rf "$disk"' EXIT
if ! mount -t tmpfs -o size=600k tmpfs "$disk" 2>/dev/null; then
  echo "full_disk: skipped, a small file system can be mounted by root alone"
  exit 0
fi
# As `cargo test` has built it: any other choice of packages builds everything again.
cargo test --workspace --locked --no-run --quiet
bell="target/debug/closing-bell run --market recorded --ticker NLS --ticker KO --ticker XOM --ticker JPM --ticker AAPL --data $disk/data"

fail() { echo "full_disk: $1"; cat "$disk.out"; exit 1; }
code=0
$bell >"$disk.out" 2>&1 || code=$?
[ "$code" = 1 ] || [ "$code" = 3 ] || fail "a full disk ended with status $code, expected 1 or 3"
grep -qi "no space left\|disk is full\|disk I/O" "$disk.out" || fail "the error does not say that the disk is full"
! grep -q "panicked" "$disk.out" || fail "it panicked"

mount -o remount,size=64m "$disk"
$bell >"$disk.out" 2>&1 || fail "with room again, the run does not complete"
grep -q "5 of 5 tickers done" "$disk.out" || fail "not every ticker is done"
rm -f "$disk.out"
echo "full_disk: ok, the night ended with status $code on a full disk and completed with room again"
