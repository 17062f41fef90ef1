#!/usr/bin/env bash
# Makes a root file system with what the swarm needs and nothing else: the program,
# ffmpeg and ffprobe, the certificates of the public authorities, and a user that is
# not root. No shell, no package manager, no library that nobody asks for.
#
# usage: docs/deploy/container/rootfs.sh [--swarm FILE] [--ffmpeg FILE] [--ffprobe FILE] TARGET
#
#   --swarm FILE     a ffmpeg-hls-swarm in place of one built now, without libraries
#   --ffmpeg FILE    an ffmpeg in place of the lean one, without libraries, that
#                    docs/lean-ffmpeg.sh makes now
#   --ffprobe FILE   its ffprobe; the one beside it is the default
#   TARGET           the folder to fill; must be empty or missing
#
# A program with libraries brings those that the loader finds for it here, at the
# paths where it looks for them. Needs no root and no container tools.
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

# The swarm itself resolves no name, so that a static glibc takes nothing from it.
build_swarm() {
  local triple
  triple=$(rustc -vV | sed -n 's/^host: //p')
  (cd "$top" && RUSTFLAGS='-C target-feature=+crt-static' \
    cargo build --quiet --locked --release --target "$triple" >&2)
  echo "$top/target/$triple/release/ffmpeg-hls-swarm"
}

# libraries FILE: the loader and the libraries of a program; nothing for a static one.
libraries() {
  local found
  found=$(ldd "$1" 2>/dev/null) || return 0
  ! grep -q 'not found' <<<"$found" || fail "$1 lacks$(grep 'not found' <<<"$found")"
  grep -o '/[^ ]*' <<<"$found" || true
}

# put FILE AS: copies a program and all it is linked with.
put() {
  [ -x "$1" ] || fail "$1 is no program"
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
  fail "no certificates of authorities are here; as root: apt-get install ca-certificates"
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

# GnuTLS looks at this path, OpenSSL at that of the link (as Debian builds both).
install -D -m 644 "$(certificates)" "$target/etc/ssl/certs/ca-certificates.crt"
mkdir -p "$target/usr/lib/ssl"
ln -s /etc/ssl/certs/ca-certificates.crt "$target/usr/lib/ssl/cert.pem"
echo 'swarm:x:65532:65532::/:/bin/ffmpeg-hls-swarm' >"$target/etc/passwd"
echo 'swarm:x:65532:' >"$target/etc/group"
# Places to mount on.
mkdir -p "$target/proc" "$target/sys" "$target/dev" "$target/run"
mkdir -p -m 1777 "$target/tmp"
