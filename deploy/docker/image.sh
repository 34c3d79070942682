#!/bin/sh
# image.sh BINARY OUT.tar [VERSION [DIR]]: build the image of the Dockerfile without a
# daemon, by buildah, from a binary that is there, into an archive for "docker load",
# podman and skopeo. With DIR, the image of Dockerfile.plugins and DIR on top of it.
# What buildah keeps goes into a directory that is removed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binary=$1 out=$2 version=${3:-dev} dir=${4:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# chroot: no container runtime, no privileges but those of mounting. docker: the
# format that has a HEALTHCHECK, which OCI's has not.
build() {
	buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" \
		bud --quiet --isolation chroot --format docker "$@" >"$work/id"
}

# The first stage of the Dockerfile compiles; a directory takes its place.
mkdir "$work/build"
"$here/tree.sh" "$binary" "$work/build/image"
build --build-context build="$work/build" -f "$here/Dockerfile" -t wasmlane "$work/build"
name=wasmlane
if [ -n "$dir" ]; then
	name=wasmlane-plugins
	build --pull-never --build-arg WASMLANE=localhost/wasmlane -f "$here/Dockerfile.plugins" -t "$name" "$dir"
fi
rm -f "$out" # buildah does not replace one
buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" \
	push --quiet "$name" "docker-archive:$out:$name:$version" >"$work/id"
