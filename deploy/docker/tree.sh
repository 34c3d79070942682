#!/bin/sh
# tree.sh BINARY DIR: lay out in DIR what the image holds. root/ belongs to root in
# the image, own/ to the user that runs there. The Dockerfile and "make image" both
# call it, so that the image is the same however it is built.
set -eu
cd "$(dirname "$0")"
certificates=/etc/ssl/certs/ca-certificates.crt
[ -s "$certificates" ] || { echo "tree.sh: no $certificates, which outbound https needs; install ca-certificates" >&2; exit 1; }
case $1 in /*) binary=$1 ;; *) binary=$OLDPWD/$1 ;; esac
case $2 in /*) dir=$2 ;; *) dir=$OLDPWD/$2 ;; esac

rm -rf "$dir"
mkdir -p "$dir/root/etc/ssl/certs" "$dir/root/etc/wasmlane" "$dir/root/plugins" "$dir/own/data" "$dir/own/cache"
cp "$binary" "$dir/root/wasmlane"
cp "$certificates" "$dir/root/etc/ssl/certs/"
cp host.toml "$dir/root/etc/wasmlane/"
chmod -R u=rwX,go=rX "$dir/root"
chmod 0755 "$dir/root/wasmlane"
chmod 0700 "$dir/own/data" "$dir/own/cache"
