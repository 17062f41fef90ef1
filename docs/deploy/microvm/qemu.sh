#!/usr/bin/env bash
# Boots a kernel and an initramfs of initramfs.sh with QEMU, with KVM if available,
# otherwise with software emulation. The console is standard output. Ends when the swarm
# ends.
#
# usage: docs/deploy/microvm/qemu.sh [options] KERNEL INITRAMFS [NAME=value…] [-- flags…]
#
#   --memory MIB      default: 1024
#   --cpus N          default: 1
#   --accel NAME      kvm, or tcg (software emulation); default: the first available
#   --scrape ADDR     address and port of this host that are forwarded to the swarm's
#                     port 9090; default: 127.0.0.1:9090
#   --monitor SOCKET  Unix socket of QEMU's monitor; its command `system_powerdown`
#                     presses the power button
#
# The remaining arguments go to the kernel's command line: settings of the swarm by the
# names of its variables, or its flags after `--`. The machine reaches this host at
# 10.0.2.2.
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

# A kernel panic ends the machine at once. With software emulation on a busy host the
# kernel's timer check can fail, so it is disabled.
boot="console=ttyS0 quiet panic=-1 no_timer_check ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off:10.0.2.3"
exec qemu-system-x86_64 -machine q35,accel=$accel -cpu max \
  -m "$memory" -smp "$cpus" -nodefaults -no-user-config -no-reboot -display none \
  -serial stdio -monitor "$monitor" \
  -netdev "user,id=net,hostfwd=tcp:$scrape-:9090" -device virtio-net-pci,netdev=net,romfile= \
  -kernel "$kernel" -initrd "$initramfs" -append "$boot $*"
