#!/usr/bin/env bash
# Builds the container image of binaries that infra/dist.sh has made, with buildah (docker's commands are the same: it builds from infra/image, too).
#   infra/image.sh TAG ARCHITECTURE=BINARY...     for example closing-bell:v0.1.0 amd64=target/dist/closing-bell-v0.1.0-x86_64-unknown-linux-musl/closing-bell
# Of a binary that is linked to the C library of this machine, that library is put beside it: such an image is for trying, not for release.
set -euo pipefail
cd "$(dirname "$0")/.."
tag=$1 && shift
command -v buildah >/dev/null || { echo "buildah is not installed (Debian's package is buildah)" >&2; exit 1; }
certificates=${CERTIFICATES:-/etc/ssl/certs/ca-certificates.crt}
context=$PWD/target/image
rm -rf "$context" && mkdir -p "$context/data" "$context/tmp"
cp infra/image/Containerfile "$context/"
cp "$certificates" "$context/ca-certificates.crt"
buildah manifest rm "$tag" >/dev/null 2>&1 || true
buildah manifest create "$tag" >/dev/null
for each in "$@"; do
    architecture=${each%%=*} binary=${each#*=}
    mkdir -p "$context/$architecture"
    cp "$binary" "$context/$architecture/closing-bell"
    file=$context/Containerfile
    if libraries=$(ldd "$binary" 2>/dev/null | grep -o '/[^ ]*'); then
        file=$context/Containerfile.$architecture
        cp "$context/Containerfile" "$file"
        for library in $libraries; do
            mkdir -p "$context/$architecture/root$(dirname "$library")"
            cp -L "$library" "$context/$architecture/root$library"
        done
        sed -i "s|^COPY ca-cert|COPY $architecture/root /\n&|" "$file"
    fi
    # Docker's own format: it alone knows of health checks.
    buildah build --quiet --format docker --isolation chroot --arch "$architecture" --build-arg "TARGETARCH=$architecture" \
        --timestamp "$(git log -1 --format=%ct)" --manifest "$tag" --file "$file" "$context" >/dev/null
done
buildah manifest inspect "$tag" | grep -E '"(digest|architecture)"'
