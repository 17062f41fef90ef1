#!/usr/bin/env bash
# Packs a root file system of docs/deploy/container/rootfs.sh into an initramfs that
# runs the swarm as the only job of a virtual machine, with init.c as process 1 and with
# the kernel modules that it needs.
#
# usage: docs/deploy/microvm/initramfs.sh [--modules FOLDER] ROOTFS FILE
#
#   --modules FOLDER  /lib/modules/VERSION of the kernel to boot; not needed if virtio,
#                     the network card and the others are built in
#   ROOTFS            the root file system; it is not changed
#   FILE              the initramfs to write, uncompressed
#
# Needs cc with a static libc, and cpio. Needs no root.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

# In the order of their dependencies: the device bus, by PCI and by MMIO; the network
# card; the power button; the kernel's socket counters.
modules=(
  virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_mmio
  failover net_failover virtio_net
  button evdev
  inet_diag tcp_diag
)

scratch=
cleanup() { [ -z "$scratch" ] || rm -rf "$scratch"; }
trap cleanup EXIT

fail() {
  printf 'initramfs: %s\n' "$*" >&2
  exit 1
}

usage() {
  sed -n 's/^# usage: //p' "$0" >&2
  exit 2
}

folder=
if [ "${1:-}" = --modules ] && [ $# -ge 2 ]; then
  folder=$2
  shift 2
fi
[ $# = 2 ] && [ "${1#-}" = "$1" ] || usage
root=$(cd "$1" && pwd)
[ -x "$root/bin/ffmpeg-hls-swarm" ] || fail "$1 has no /bin/ffmpeg-hls-swarm; create it with rootfs.sh"
: >"$2"
out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
scratch=$(mktemp -d)

# A kernel may have some of the modules built in, so missing ones are not an error here.
# Process 1 logs an error if the network card is missing.
add_modules() {
  local name file
  mkdir -p "$scratch/lib/modules"
  for name in "${modules[@]}"; do
    file=$(find "$folder" -name "$name.ko" -o -name "${name//_/-}.ko" | head -n 1)
    [ -n "$file" ] || continue
    cp "$file" "$scratch/lib/modules/$name.ko"
    echo "$name.ko" >>"$scratch/lib/modules/load"
  done
  [ -e "$scratch/lib/modules/load" ] ||
    fail "$folder has none of these modules, or has them compressed: ${modules[*]}"
}

# pack FOLDER: writes an archive of a folder, owned by root.
pack() (cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
  cpio --quiet --null -o -H newc -R 0:0)

cc -Os -static -o "$scratch/init" "$here/init.c"
[ -z "$folder" ] || add_modules
# The kernel unpacks concatenated archives in order.
{
  pack "$root"
  pack "$scratch"
} >"$out"
