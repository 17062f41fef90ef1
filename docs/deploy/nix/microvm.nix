# A kernel and an initramfs for a virtual machine that runs only the swarm, by the
# scripts of docs/deploy/microvm, with static programs.
#
#   nix build .#microvm && docs/deploy/microvm/qemu.sh result/kernel result/initramfs …
{
  lib,
  cacert,
  cpio,
  linux,
  pkgsStatic,
  stdenvNoCC,
  xz,
  zstd,
  swarm,
  leanFfmpeg,
}:
let
  compiler = pkgsStatic.stdenv.cc;
  modules = lib.getOutput "modules" linux;
in
stdenvNoCC.mkDerivation {
  pname = "ffmpeg-hls-swarm-microvm";
  inherit (swarm) version;
  src = ../microvm;

  nativeBuildInputs = [
    compiler
    cpio
    xz
    zstd
  ];

  buildPhase = ''
    runHook preBuild
    install -D -t rootfs/bin ${swarm}/bin/ffmpeg-hls-swarm ${leanFfmpeg}/bin/{ffmpeg,ffprobe}
    install -D -m 644 ${cacert}/etc/ssl/certs/ca-bundle.crt rootfs/etc/ssl/certs/ca-certificates.crt
    # The path that the OpenSSL of nixpkgs reads.
    ln -s ca-certificates.crt rootfs/etc/ssl/certs/ca-bundle.crt
    echo 'swarm:x:65532:65532::/:/bin/ffmpeg-hls-swarm' >rootfs/etc/passwd
    echo 'swarm:x:65532:' >rootfs/etc/group
    mkdir -p rootfs/{proc,sys,dev,run,tmp}
    chmod 1777 rootfs/tmp

    # Process 1 does not decompress modules; those of nixpkgs are compressed.
    mkdir modules tools
    find ${modules}/lib/modules -name '*.ko*' -exec cp -t modules {} +
    find modules -name '*.xz' -exec xz -d {} +
    find modules -name '*.zst' -exec zstd -q -d --rm {} +
    ln -s "$(command -v ${compiler.targetPrefix}cc)" tools/cc
    PATH=$PWD/tools:$PATH bash initramfs.sh --modules modules rootfs initramfs
    runHook postBuild
  '';

  installPhase = ''
    runHook preInstall
    install -D -m 644 initramfs "$out/initramfs"
    ln -s ${linux}/${stdenvNoCC.hostPlatform.linux-kernel.target} "$out/kernel"
    runHook postInstall
  '';

  meta = {
    description = "Kernel and initramfs of a virtual machine that runs ffmpeg-hls-swarm";
    platforms = lib.platforms.linux;
  };
}
