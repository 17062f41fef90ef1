#!/usr/bin/env bash
# Creates a root file system that contains only what the swarm needs: the program,
# ffmpeg and ffprobe, the certificates of public authorities, and a user that is not
# root. It has no shell, no package manager and no unneeded library.
#
# usage: docs/deploy/container/rootfs.sh [--swarm FILE] [--ffmpeg FILE] [--ffprobe FILE] TARGET
#
#   --swarm FILE     an existing ffmpeg-hls-swarm; by default a static one is built
#   --ffmpeg FILE    an existing ffmpeg; by default docs/lean-ffmpeg.sh builds a static
#                    lean one
#   --ffprobe FILE   its ffprobe; by default the one in the same folder
#   TARGET           the folder to fill; it must be empty or missing
#
# For a dynamically linked program, the libraries that the loader finds on this host
# are copied to the same paths. Needs neither root nor container tools.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$here/../../..

scratch=
cleanup() { [ -z "$scratch" ] || rm -rf "$scratch"; }
trap cleanup EXIT

fail() {
  printf 'rootfs: %s\n' "$*" >&2
  exit 1
}

usage() {
  sed -n 's/^# usage: //p' "$0" >&2
  exit 2
}

swarm=
ffmpeg=
ffprobe=
target=
while [ $# -gt 0 ]; do
  case "$1" in
    --swarm | --ffmpeg | --ffprobe)
      [ $# -ge 2 ] || usage
      declare "${1#--}=$2"
      shift
      ;;
    -*) usage ;;
    *)
      [ -z "$target" ] || usage
      target=$1
      ;;
  esac
  shift
done
[ -n "$target" ] || usage
[ -z "$(ls -A "$target" 2>/dev/null)" ] || fail "$target is not empty"

# The swarm itself resolves no names, so a static glibc is no restriction for it.
build_swarm() {
  local triple
  triple=$(rustc -vV | sed -n 's/^host: //p')
  (cd "$top" && RUSTFLAGS='-C target-feature=+crt-static' \
    cargo build --quiet --locked --release --target "$triple" >&2)
  echo "$top/target/$triple/release/ffmpeg-hls-swarm"
}

# libraries FILE: prints the loader and the libraries of a program; nothing for a static
# one.
libraries() {
  local found
  found=$(ldd "$1" 2>/dev/null) || return 0
  ! grep -q 'not found' <<<"$found" || fail "$1 lacks$(grep 'not found' <<<"$found")"
  grep -o '/[^ ]*' <<<"$found" || true
}

# put FILE AS: copies a program and the libraries that it is linked with.
put() {
  [ -x "$1" ] || fail "$1 is not an executable file"
  install -D -m 755 "$1" "$target$2"
  local file
  while IFS= read -r file; do
    [ -e "$target$file" ] || install -D -m 755 "$file" "$target$file"
  done < <(libraries "$1")
}

certificates() {
  local file
  for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
    [ ! -e "$file" ] || {
      echo "$file"
      return
    }
  done
  fail "no certificates of authorities found; as root: apt-get install ca-certificates"
}

mkdir -p "$target"
target=$(cd "$target" && pwd)
if [ -z "$ffmpeg" ]; then
  scratch=$(mktemp -d)
  "$top/docs/lean-ffmpeg.sh" --static "$scratch"
  ffmpeg=$scratch/ffmpeg
fi
put "${swarm:-$(build_swarm)}" /bin/ffmpeg-hls-swarm
put "$ffmpeg" /bin/ffmpeg
put "${ffprobe:-$(dirname "$ffmpeg")/ffprobe}" /bin/ffprobe

# GnuTLS reads this path, OpenSSL that of the link (as Debian builds both).
install -D -m 644 "$(certificates)" "$target/etc/ssl/certs/ca-certificates.crt"
mkdir -p "$target/usr/lib/ssl"
ln -s /etc/ssl/certs/ca-certificates.crt "$target/usr/lib/ssl/cert.pem"
echo 'swarm:x:65532:65532::/:/bin/ffmpeg-hls-swarm' >"$target/etc/passwd"
echo 'swarm:x:65532:' >"$target/etc/group"
# Mount points.
mkdir -p "$target/proc" "$target/sys" "$target/dev" "$target/run"
mkdir -p -m 1777 "$target/tmp"
