#!/usr/bin/env bash
# Boots a virtual machine with this host's systemd as process 1 and runs the unit of
# docs/deploy/systemd there without changes: an origin and a load of it, a killed client, a
# frozen loop, a stop, bad usage. Prints one line per check; the exit code is 1 if a check
# failed. Run by hand, since it needs a kernel and two to three minutes.
#
# usage: tests/vm/systemd.sh KERNEL FFMPEG
#
#   KERNEL  a kernel with Debian's built-in drivers (an unpacked linux-image-cloud-amd64)
#   FFMPEG  an ffmpeg of docs/lean-ffmpeg.sh --static, with its ffprobe in the same folder
#
# PROGRAM names the swarm; the default is target/debug/ffmpeg-hls-swarm. Needs
# qemu-system-x86_64, systemd, curl, busybox and cpio, but no root. The default is software
# emulation (tcg); ACCEL=kvm uses KVM.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
if [ $# != 2 ]; then
  sed -n 's/^# usage: //p' "$0" >&2
  exit 2
fi
kernel=$(realpath "$1")
ffmpeg=$(realpath "$2")
program=${PROGRAM:-$top/target/debug/ffmpeg-hls-swarm}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
units=$root/etc/systemd/system

# put FILE…: copies files to the same paths, with the libraries that they are linked with.
put() {
  local file wanted
  for file in "$@"; do
    while IFS= read -r wanted; do
      [ -e "$root$wanted" ] || install -D "$wanted" "$root$wanted"
    done < <(
      echo "$file"
      ldd "$file" 2>/dev/null | grep -o '/[^ ]*' || true
    )
  done
}

make_system() {
  mkdir -p "$root"/{dev,etc/ffmpeg-hls-swarm,proc,root,run,sys,tmp,usr/{bin,lib,lib64,sbin},var}
  ln -s usr/bin usr/lib usr/lib64 usr/sbin "$root"
  put /lib/systemd/systemd{,-journald,-shutdown} /usr/bin/{systemctl,journalctl,curl,bash,busybox}
  local shared applet
  for shared in /lib/*-linux-gnu/libnss_{systemd,files}.so.2; do
    [ ! -e "$shared" ] || put "$shared"
  done
  for applet in cat cut grep id kill sed sh sleep sort sysctl tail wc; do
    ln -s busybox "$root/usr/bin/$applet"
  done
  echo 'root:x:0:0::/root:/bin/sh' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  printf 'passwd: files systemd\ngroup: files systemd\n' >"$root/etc/nsswitch.conf"
  echo 'ID=test' >"$root/etc/os-release"
  : >"$root/etc/machine-id"
  install -D -t "$root/usr/local/bin" "$program" "$ffmpeg" "$(dirname "$ffmpeg")/ffprobe"
  put "$program"
  ln -s usr/lib/systemd/systemd "$root/init"
}

make_units() {
  local target
  mkdir -p "$units" "$root/usr/lib/systemd/system"
  cp -t "$root/usr/lib/systemd/system" /lib/systemd/system/systemd-journald{.service,.socket}
  for target in sysinit basic shutdown network-online multi-user sockets slices paths timers; do
    printf '[Unit]\nDescription=%s\n' "$target" >"$units/$target.target"
  done
  printf '[Unit]\nRequires=basic.target\nWants=probe.service\n' >"$units/default.target"
  cat >"$units/probe.service" <<'UNIT'
[Unit]
DefaultDependencies=no
Wants=systemd-journald.service
After=systemd-journald.service
[Service]
Type=oneshot
ExecStart=/usr/bin/bash /root/probe.sh
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
UNIT
  cp "$top/tests/vm/probe.sh" "$root/root"
  cp "$top/docs/deploy/systemd/sysctl.conf" "$root/etc"
  cp -t "$units" "$top/docs/deploy/systemd/ffmpeg-hls-swarm.service"
  sed -e 's|^ExecStart=.*|ExecStart=/usr/local/bin/ffmpeg-hls-swarm origin|' \
    -e 's|ffmpeg-hls-swarm/environment|origin|' \
    -e '/^[SW].*Directory=/s|$|-origin|' \
    "$units/ffmpeg-hls-swarm.service" >"$units/origin.service"
  echo 'LOG_LEVEL=warn' >"$root/etc/origin"
  sed -e 's|^STREAM_URL=.*|STREAM_URL=http://127.0.0.1:8080/stream.m3u8|' \
    -e 's|^CLIENTS=.*|CLIENTS=10|' \
    "$top/docs/deploy/systemd/environment.example" >"$root/etc/ffmpeg-hls-swarm/environment"
}

make_system
make_units
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$scratch/initramfs"
timeout 400 qemu-system-x86_64 -accel "${ACCEL:-tcg}" -cpu max -m 1024 -smp 2 -nographic \
  -nic none -no-reboot -kernel "$kernel" -initrd "$scratch/initramfs" \
  -append "console=ttyS0 quiet panic=-1 systemd.log_target=null systemd.show_status=0" \
  </dev/null >"$scratch/console" 2>&1 || true
grep -aE '^(ok|FAILED)  ' "$scratch/console" | tr -d '\r' || true
if ! grep -aq '^ok  all was tried' "$scratch/console" || grep -aq '^FAILED  ' "$scratch/console"; then
  tail -n 60 "$scratch/console" >&2
  exit 1
fi
