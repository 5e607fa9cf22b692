#!/usr/bin/env bash
# Disks that fail a night: one without room, one without room for more files, one without locks. Clear errors, no backtrace; once that is over,
# the same run completes. Needs to mount small file systems, so it runs as root alone and says so otherwise; the last needs strace, too.
set -euo pipefail
cd "$(dirname "$0")/.."

disk=$(mktemp -d)
trap 'umount "$disk" 2>/dev/null; rm -rf "$disk" "$disk.out"' EXIT
if ! mount -t tmpfs -o size=600k tmpfs "$disk" 2>/dev/null; then
  echo "full_disk: skipped, a small file system can be mounted by root alone"
  # The machine that checks a change is root's.
  [ -z "${CI:-}" ] || [ "$(id -u)" != 0 ] || exit 1
  exit 0
fi
# As `cargo test` has built it: any other choice of packages builds everything again.
cargo test --workspace --locked --no-run --quiet
bell="target/debug/closing-bell run --market recorded --ticker NLS --ticker KO --ticker XOM --ticker JPM --ticker AAPL --data $disk/data"

fail() { echo "full_disk: $1"; cat "$disk.out" 2>/dev/null; exit 1; }
# A night that must end with an error of these words, and nothing worse.
fails() {
  local what=$1 words=$2 code=0
  shift 2
  timeout 120 "$@" >"$disk.out" 2>&1 || code=$?
  [ "$code" = 1 ] || [ "$code" = 3 ] || fail "$what ended with status $code, expected 1 or 3"
  grep -qi "$words" "$disk.out" || fail "of $what the error does not speak"
  ! grep -q "panicked" "$disk.out" || fail "on $what it panicked"
}
completes() {
  $bell >"$disk.out" 2>&1 || fail "$1, the run does not complete"
  grep -q "5 of 5 tickers done" "$disk.out" || fail "$1, not every ticker is done"
  target/debug/closing-bell verify --all --data "$disk/data" >"$disk.out" 2>&1 || fail "$1, not all is as it was written"
}

fails "a full disk" "no space left\|disk is full\|disk I/O" $bell
mount -o remount,size=64m "$disk"
completes "with room again"

umount "$disk"
mount -t tmpfs -o size=64m,nr_inodes=40 tmpfs "$disk"
fails "a disk with too many files" "no space left\|unable to open\|disk I/O" $bell
mount -o remount,nr_inodes=4000 "$disk"
completes "with room for files again"

# As on a network's file system whose locks are not served.
if strace -o /dev/null true 2>/dev/null; then
  rm -rf "$disk/data"
  fails "a disk without locks" "file system with locks" strace -f -qq -o /dev/null -e trace=flock -e inject=flock:error=ENOLCK $bell
  [ "$(ls -A "$disk/data")" = lock ] || fail "without locks, it wrote $(ls -A "$disk/data")"
  completes "with locks again"
  locks=", locks"
elif [ -n "${CI:-}" ]; then
  fail "strace is missing: without it nobody sees a disk without locks"
fi
echo "full_disk: ok, without room, files${locks:-} a night said so, and completed once there were"
