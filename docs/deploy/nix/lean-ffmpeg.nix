# An ffmpeg and an ffprobe with only what an HLS client needs, by the lists of
# docs/lean-ffmpeg.sh, from the source of nixpkgs. As there, a static build uses OpenSSL
# instead of GnuTLS.
{
  lib,
  stdenv,
  ffmpeg,
  gnutls,
  nasm,
  openssl,
  pkg-config,
  zlib,
}:
let
  script = lib.splitString "\n" (builtins.readFile ../../lean-ffmpeg.sh);
  # words NAME: the words of the line `NAME=(…)` of the script.
  words =
    name:
    let
      lists = lib.concatMap (line: lib.toList (builtins.match "${name}=\\((.*)\\)" line)) script;
      found = lib.filter (list: list != null) lists;
    in
    lib.splitString " " (lib.head found);
  parts = kind: map (name: "--enable-${kind}=${name}") (words "${kind}s");
  static = stdenv.hostPlatform.isStatic;
  tls = if static then openssl else gnutls;
in
stdenv.mkDerivation {
  pname = "ffmpeg-lean";
  inherit (ffmpeg) version src;

  strictDeps = true;
  nativeBuildInputs = [
    nasm
    pkg-config
  ];
  buildInputs = [
    tls
    zlib
  ];

  # FFmpeg's configure is not made by autoconf: it refuses unknown options.
  configurePlatforms = [ ];
  dontAddStaticConfigureFlags = true;
  dontDisableStatic = true;
  setOutputFlags = false;
  configureFlags =
    map (name: "--disable-${name}") (words "without")
    ++ map (name: "--enable-${name}") (words "with")
    ++ [ "--extra-version=lean" ]
    ++ lib.concatMap parts [
      "protocol"
      "demuxer"
      "muxer"
      "parser"
      "decoder"
    ]
    ++ (
      if static then
        [
          "--enable-openssl"
          "--enable-version3"
          "--pkg-config-flags=--static"
          "--extra-ldflags=-static"
        ]
      else
        [ "--enable-gnutls" ]
    )
    ++ [
      "--target-os=linux"
      "--arch=${stdenv.hostPlatform.parsed.cpu.name}"
      "--pkg-config=${stdenv.cc.targetPrefix}pkg-config"
      "--cc=${stdenv.cc.targetPrefix}cc"
    ]
    ++ lib.optionals (stdenv.buildPlatform != stdenv.hostPlatform) [
      "--enable-cross-compile"
      "--cross-prefix=${stdenv.cc.targetPrefix}"
      "--host-cc=cc"
    ];

  enableParallelBuilding = true;
  buildFlags = [
    "ffmpeg"
    "ffprobe"
  ];
  depsBuildBuild = [ stdenv.cc ];
  installPhase = ''
    runHook preInstall
    install -D -t "$out/bin" ffmpeg ffprobe
    runHook postInstall
  '';

  meta = {
    description = "FFmpeg with only what a client of HLS needs";
    license = if static then lib.licenses.lgpl3Plus else lib.licenses.lgpl21Plus;
    mainProgram = "ffmpeg";
    platforms = lib.platforms.linux;
  };
}
