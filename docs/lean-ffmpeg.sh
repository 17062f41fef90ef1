#!/usr/bin/env bash
# Builds a lean ffmpeg and ffprobe: only what a client of HLS needs. They start in
# a tenth of the CPU time of a distribution's build and take a quarter of its
# memory. docs/lean-ffmpeg.md tells what is in, what is not, and what it brings.
#
# usage: docs/lean-ffmpeg.sh [--static] [--source FOLDER] [--jobs N] TARGET
#
#   --static         one file without any library, for an initramfs or an empty
#                    container; TLS is then OpenSSL's
#   --source FOLDER  an unpacked source of FFmpeg, of any version, in place of the
#                    source package of this Debian or Ubuntu
#   --jobs N         compile N files at a time; all processors is the default
#   TARGET           the folder that gets ffmpeg and ffprobe; made if missing
#
# Needs no root and changes nothing but TARGET: sources, package lists and objects
# go to a folder under TMPDIR, about 200 MB, that is removed at the end. It needs
# gcc, make, pkg-config, the development files of GnuTLS (OpenSSL if static) and
# of zlib, and dpkg-dev unless --source is given; nasm if it is there.
set -euo pipefail

# What the program is made of. ffmpeg itself adds the filters that it cannot be
# built without. docs/deploy/nix/lean-ffmpeg.nix reads these lists too: a list is a
# line.
without=(everything autodetect doc debug avdevice swscale ffplay)
with=(zlib small)
protocols=(file pipe data tcp tls http https httpproxy crypto)
demuxers=(hls mpegts mov aac ac3 eac3 mp3 webvtt)
muxers=(null)
parsers=(h264 hevc aac aac_latm ac3 mpegaudio)
# Decoders serve the probing of a stream before it is played.
decoders=(h264 hevc aac aac_latm ac3 eac3 mp3 webvtt)

scratch=
cleanup() { [ -z "$scratch" ] || rm -rf "$scratch"; }
trap cleanup EXIT

say() { printf 'lean-ffmpeg: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

usage() {
  sed -n 's/^# usage: //p' "$0" >&2
  exit 2
}

have() { command -v "$1" >/dev/null 2>&1; }

static=
source=
jobs=$(nproc)
target=
while [ $# -gt 0 ]; do
  case "$1" in
    --static) static=yes ;;
    --source | --jobs)
      [ $# -ge 2 ] || usage
      case "$1" in
        --source) source=$2 ;;
        --jobs) jobs=$2 ;;
      esac
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

# Names what is missing, all of it at once.
check_tools() {
  local missing=() tls=gnutls tls_package=libgnutls28-dev
  if [ -n "$static" ]; then
    tls=libssl tls_package=libssl-dev
  fi
  have gcc || missing+=(gcc libc6-dev)
  have make || missing+=(make)
  have pkg-config || missing+=(pkg-config)
  if [ -z "$source" ]; then
    have apt-get || fail "there is no apt-get here: give an unpacked FFmpeg with --source"
    have dpkg-source || missing+=(dpkg-dev)
  fi
  if ! have pkg-config || ! pkg-config --exists "$tls"; then missing+=("$tls_package"); fi
  if ! have pkg-config || ! pkg-config --exists zlib; then missing+=(zlib1g-dev); fi
  [ ${#missing[@]} = 0 ] || fail "missing; as root: apt-get install ${missing[*]}"
  have nasm || say "without nasm the probing of a stream takes more CPU; to have it: apt-get install nasm"
}

# source_lines: the entries of apt that offer ffmpeg, as entries for its source, in
# the folder $1. Where apt has no lists yet nothing tells them apart, and all go.
source_lines() {
  local file uris
  uris=$(apt-cache madison ffmpeg 2>/dev/null | awk -F ' *[|] *' '{ split($3, word, " "); print word[1] }' || true)
  # In the older format an entry is a line, in the newer a paragraph.
  while IFS= read -r file; do
    case "$file" in
      *.sources)
        awk -v uris="$uris" '
          BEGIN { RS = ""; ORS = "\n\n"; FS = "\n"; count = split(uris, offered, "\n") }
          {
            kept = (count == 0); binary = 0; enabled = 1
            for (line = 1; line <= NF; line++) {
              if ($line ~ /^[Tt]ypes:.*deb([ \t]|$)/) { binary = 1; $line = "Types: deb-src" }
              if ($line ~ /^[Ee]nabled:[ \t]*(no|false|0)/) enabled = 0
              for (at = 1; at <= count; at++)
                if ($line ~ /^(URIs|[ \t])/ && index($line "/", offered[at])) kept = 1
            }
            text = $1
            for (line = 2; line <= NF; line++) text = text "\n" $line
            if (binary && enabled && kept) print text
          }' "$file" >"$1/$(basename "$file")"
        ;;
      *)
        awk -v uris="$uris" '
          BEGIN { count = split(uris, offered, "\n") }
          $1 == "deb" {
            kept = (count == 0)
            for (at = 1; at <= count; at++) if (index($0, offered[at])) kept = 1
            if (kept) { sub(/deb/, "deb-src"); print }
          }' "$file" >"$1/$(basename "$file")"
        ;;
    esac
  done < <(apt_files)
}

# The files in which apt is told its sources, wherever this machine keeps them.
apt_files() {
  local list parts file
  eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
  for file in "$list" "$parts"/*.list "$parts"/*.sources; do
    [ ! -f "$file" ] || echo "$file"
  done
}

# Fetches and unpacks the source package with a state of apt's own in the scratch
# folder, so that the user's sources and lists stay as they are. apt checks the
# signatures with the keys that the entries name.
fetch_source() {
  local apt=$scratch/apt
  mkdir -p "$apt/sources" "$apt/lists/partial" "$apt/cache/archives/partial"
  source_lines "$apt/sources"
  local options=(
    -qq
    -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/sources"
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
    -o Acquire::Languages=none -o APT::Sandbox::User=root
  )
  say "fetching the source package of ffmpeg"
  # An entry without sources is no matter as long as another has ffmpeg's.
  apt-get "${options[@]}" update >"$scratch/log" 2>&1 || true
  (cd "$scratch" && apt-get "${options[@]}" source ffmpeg) >>"$scratch/log" 2>&1 ||
    fail "no source package: $(grep -E '^E:' "$scratch/log" | head -n 1)"
  source=$(find "$scratch" -maxdepth 1 -type d -name 'ffmpeg-*' | head -n 1)
}

# parts KIND NAME…: the options of configure that enable them.
parts() {
  local kind=$1 name
  shift
  for name in "$@"; do
    echo "--enable-$kind=$name"
  done
}

build() {
  local options=("${without[@]/#/--disable-}" "${with[@]/#/--enable-}" --extra-version=lean)
  mapfile -t -O "${#options[@]}" options < <(
    parts protocol "${protocols[@]}"
    parts demuxer "${demuxers[@]}"
    parts muxer "${muxers[@]}"
    parts parser "${parsers[@]}"
    parts decoder "${decoders[@]}"
  )
  if [ -n "$static" ]; then
    options+=(--enable-openssl --enable-version3 --pkg-config-flags=--static
      --extra-ldflags=-static)
  else
    options+=(--enable-gnutls)
  fi
  have nasm || options+=(--disable-x86asm)
  mkdir "$scratch/build"
  cd "$scratch/build"
  say "configuring"
  "$source/configure" "${options[@]}" >"$scratch/log" 2>&1 ||
    fail "configure failed: $(grep -v '^ *$' "$scratch/log" | head -n 3 | tr '\n' ' ')"
  say "compiling; this takes a minute or a few"
  make -j "$jobs" ffmpeg ffprobe >"$scratch/log" 2>&1 ||
    fail "make failed: $(grep -iE 'error|undefined' "$scratch/log" | head -n 1)"
}

check_tools
# Both are used from another folder later.
mkdir -p "$target"
target=$(cd "$target" && pwd)
[ -z "$source" ] || source=$(cd "$source" && pwd)
scratch=$(mktemp -d)
[ -n "$source" ] || fetch_source
[ -x "$source/configure" ] || fail "$source is no source of FFmpeg"
(build)
install -s "$scratch/build/ffmpeg" "$scratch/build/ffprobe" "$target"
"$target/ffmpeg" -version | head -n 1 >&2
say "built $target/ffmpeg and $target/ffprobe; use them with -ffmpeg $target/ffmpeg"
