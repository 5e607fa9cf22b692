#!/usr/bin/env bash
# Builds the archive of a release: the command, its completions, its manual pages, and what it may be used under.
#   infra/dist.sh [TARGET] [FEATURES]     x86_64-unknown-linux-musl, aarch64-unknown-linux-musl (static), or x86_64-unknown-linux-gnu.2.17 (any glibc since 2012)
# Prints the archive's path. Zig is the linker and the C compiler, so that one machine builds for all.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-x86_64-unknown-linux-musl}
features=${2-aws}
. infra/tools.sh
environment zigbuild cargo-zigbuild==0.23.0 ziglang==0.17.0
plain=${target%%.[0-9]*}
if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx "$plain"; then rustup target add "$plain" >&2; fi
PATH=$tools/zigbuild/bin:$PATH CARGO_PROFILE_RELEASE_STRIP=true cargo zigbuild --release --locked --target "$target" --package embedded --bin closing-bell ${features:+--features "$features"} >&2
version=$(sed -n '/^\[workspace.package\]/,/^\[/ s/^version = "\(.*\)"/\1/p' Cargo.toml)
name=closing-bell-v$version-$plain
place=$PWD/target/dist
rm -rf "${place:?}/$name" && mkdir -p "$place/$name/completions"
cp "target/$plain/release/closing-bell" LICENSE-MIT LICENSE-APACHE README.md CHANGELOG.md closing-bell.toml "$place/$name/"
# Of another kind of processor the pages and completions are made by this machine's own build: they are the same.
bell=$place/$name/closing-bell
"$bell" --version >/dev/null 2>&1 || { cargo build --release --locked --quiet --package embedded --bin closing-bell && bell=target/release/closing-bell; }
for shell in bash zsh fish; do "$bell" completions "$shell" >"$place/$name/completions/closing-bell.$shell"; done
"$bell" man "$place/$name/man"
# The same files give the same archive.
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" -C "$place" -cf - "$name" | gzip -9n >"$place/$name.tar.gz"
(cd "$place" && sha256sum ./*.tar.gz | sed 's| \./| |' >SHA256SUMS)
echo "$place/$name.tar.gz"
