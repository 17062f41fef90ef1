#!/usr/bin/env bash
# Builds a lean ffmpeg and ffprobe with only the parts that an HLS client needs. They
# start in a tenth of the CPU time of a distribution's build and take a quarter of its
# memory. docs/lean-ffmpeg.md describes the contents and the gains.
#
# usage: docs/lean-ffmpeg.sh [--static] [--source FOLDER] [--jobs N] TARGET
#
#   --static         link no shared library, for an initramfs or an empty container;
#                    TLS is then provided by OpenSSL
#   --source FOLDER  an unpacked source of FFmpeg, of any version, instead of the
#                    source package of this Debian or Ubuntu
#   --jobs N         compile N files in parallel; the default is all processors
#   TARGET           the folder for ffmpeg and ffprobe; created if missing
#
# Does not need root and changes only TARGET: sources, package lists and objects go to
# a folder under TMPDIR, about 200 MB, that is removed at the end. Requires gcc, make,
# pkg-config, the development files of GnuTLS (OpenSSL if static) and of zlib, and
# dpkg-dev unless --source is given; uses nasm if installed.
set -euo pipefail

# The parts to build. FFmpeg's configure adds the filters that ffmpeg requires.
# docs/deploy/nix/lean-ffmpeg.nix also reads these lists, so each must be on one line.
without=(everything autodetect doc debug avdevice swscale ffplay)
with=(zlib small)
protocols=(file pipe data tcp tls http https httpproxy crypto)
demuxers=(hls mpegts mov aac ac3 eac3 mp3 webvtt)
muxers=(null)
parsers=(h264 hevc aac aac_latm ac3 mpegaudio)
# Decoders are used to probe a stream before it is played.
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

# Fails with a list of all missing packages.
check_tools() {
  local missing=() tls=gnutls tls_package=libgnutls28-dev
  if [ -n "$static" ]; then
    tls=libssl tls_package=libssl-dev
  fi
  have gcc || missing+=(gcc libc6-dev)
  have make || missing+=(make)
  have pkg-config || missing+=(pkg-config)
  if [ -z "$source" ]; then
    have apt-get || fail "apt-get is missing: pass an unpacked FFmpeg with --source"
    have dpkg-source || missing+=(dpkg-dev)
  fi
  if ! have pkg-config || ! pkg-config --exists "$tls"; then missing+=("$tls_package"); fi
  if ! have pkg-config || ! pkg-config --exists zlib; then missing+=(zlib1g-dev); fi
  [ ${#missing[@]} = 0 ] || fail "missing; as root: apt-get install ${missing[*]}"
  have nasm || say "without nasm, probing a stream takes more CPU; as root: apt-get install nasm"
}

# source_lines FOLDER: writes apt's entries that offer ffmpeg to FOLDER, as entries for
# source packages. If apt has no package lists yet, it writes all entries.
source_lines() {
  local file uris
  uris=$(apt-cache madison ffmpeg 2>/dev/null | awk -F ' *[|] *' '{ split($3, word, " "); print word[1] }' || true)
  # In the older format an entry is a line, in the newer one a paragraph.
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

# Prints the files that contain apt's sources on this machine.
apt_files() {
  local list parts file
  eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
  for file in "$list" "$parts"/*.list "$parts"/*.sources; do
    [ ! -f "$file" ] || echo "$file"
  done
}

# Fetches and unpacks the source package with a separate apt state in the scratch folder,
# so that the system's sources and lists are not changed. apt checks the signatures with
# the keys that the entries name.
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
  # An entry without sources is not an error if another one has ffmpeg's.
  apt-get "${options[@]}" update >"$scratch/log" 2>&1 || true
  (cd "$scratch" && apt-get "${options[@]}" source ffmpeg) >>"$scratch/log" 2>&1 ||
    fail "no source package: $(grep -E '^E:' "$scratch/log" | head -n 1)"
  source=$(find "$scratch" -maxdepth 1 -type d -name 'ffmpeg-*' | head -n 1)
}

# parts KIND NAME…: prints the configure options that enable these parts.
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
  say "compiling; this takes a few minutes at most"
  make -j "$jobs" ffmpeg ffprobe >"$scratch/log" 2>&1 ||
    fail "make failed: $(grep -iE 'error|undefined' "$scratch/log" | head -n 1)"
}

check_tools
# Both are used from another working directory later.
mkdir -p "$target"
target=$(cd "$target" && pwd)
[ -z "$source" ] || source=$(cd "$source" && pwd)
scratch=$(mktemp -d)
[ -n "$source" ] || fetch_source
[ -x "$source/configure" ] || fail "$source is not a source tree of FFmpeg"
(build)
install -s "$scratch/build/ffmpeg" "$scratch/build/ffprobe" "$target"
"$target/ffmpeg" -version | head -n 1 >&2
say "built $target/ffmpeg and $target/ffprobe; use them with -ffmpeg $target/ffmpeg"
