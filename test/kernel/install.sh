#!/usr/bin/env bash
# Installs what test/kernel needs: an emulator, and a kernel of Debian's in the cache, not as the kernel of this machine. Needs root.
set -euo pipefail

"$(dirname "$0")/../lab/install.sh" kmod=depmod qemu-system-x86=qemu-system-x86_64

cache=${ANTREA_MC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/antrea-mc}
if [ -e "$cache/kernel/boot/vmlinuz" ]; then
  echo "install.sh: a kernel is in $cache/kernel"
  exit
fi
package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1)
if [ -z "$package" ]; then
  echo "install.sh: apt knows no linux-image-cloud-amd64 here" >&2
  exit 1
fi
echo "install.sh: unpacking $package into $cache/kernel"
mkdir -p "$cache"
new=$(mktemp -d "$cache/kernel.XXXXXX")
trap 'rm -rf "$new"' EXIT
(cd "$new" && apt-get download -q "$package") # apt checks what it downloads
dpkg-deb --fsys-tarfile "$new"/*.deb | tar -x -C "$new" --wildcards './boot/vmlinuz-*' './lib/modules/*/modules.*' \
  './lib/modules/*/kernel/'{arch/x86/crypto,crypto,lib,net}'/*' './lib/modules/*/kernel/drivers/net/*.ko'
rm "$new"/*.deb
release=${package#linux-image-}
mv "$new/boot/vmlinuz-$release" "$new/boot/vmlinuz"
PATH=$PATH:/usr/sbin:/sbin depmod -b "$new" "$release"
chmod 755 "$new"
rm -rf "$cache/kernel"
mv "$new" "$cache/kernel"
