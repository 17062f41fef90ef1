#!/usr/bin/env bash
# Boots a kernel and an initramfs of initramfs.sh with QEMU, by KVM if it is there,
# else in software. The console is standard output. Ends when the swarm does.
#
# usage: docs/deploy/microvm/qemu.sh [options] KERNEL INITRAMFS [NAME=value…] [-- flags…]
#
#   --memory MIB      1024 is the default
#   --cpus N          1 is the default
#   --accel NAME      kvm or tcg (software) alone; the default is what there is
#   --scrape ADDR     address and port of this host that lead to the swarm's port
#                     9090; 127.0.0.1:9090 is the default
#   --monitor SOCKET  QEMU's monitor on a unix socket: `system_powerdown` there is
#                     the power button
#
# What follows goes to the kernel's command line: settings of the swarm by the names
# of its environment, or its flags after `--`. From inside, this host is 10.0.2.2.
set -euo pipefail

usage() {
  sed -n 's/^# usage: //p' "$0" >&2
  exit 2
}

memory=1024
cpus=1
accel=kvm:tcg
scrape=127.0.0.1:9090
monitor=none
while [ $# -gt 0 ]; do
  case "$1" in
    --memory | --cpus | --accel | --scrape | --monitor)
      [ $# -ge 2 ] || usage
      declare "${1#--}=$2"
      shift 2
      ;;
    -*) usage ;;
    *) break ;;
  esac
done
[ $# -ge 2 ] || usage
kernel=$1
initramfs=$2
shift 2
[ "$monitor" = none ] || monitor=unix:$monitor,server=on,wait=off

# A kernel that cannot go on ends the machine instead of waiting for somebody.
# In software on a busy host its own test of the timer can fail, so it is left out.
boot="console=ttyS0 quiet panic=-1 no_timer_check ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off:10.0.2.3"
exec qemu-system-x86_64 -machine q35,accel=$accel -cpu max \
  -m "$memory" -smp "$cpus" -nodefaults -no-user-config -no-reboot -display none \
  -serial stdio -monitor "$monitor" \
  -netdev "user,id=net,hostfwd=tcp:$scrape-:9090" -device virtio-net-pci,netdev=net,romfile= \
  -kernel "$kernel" -initrd "$initramfs" -append "$boot $*"
