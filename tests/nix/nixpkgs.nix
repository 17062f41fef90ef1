# A stand-in for the packages of nixpkgs that this project's Nix files name. A
# derivation is its attributes and a path that leads nowhere.
let
  lib = import ./lib.nix;
  derivationOf =
    attributes:
    let
      name = attributes.name or "${attributes.pname}-${attributes.version}";
    in
    {
      meta = { };
      nativeBuildInputs = [ ];
    }
    // attributes
    // {
      inherit name attributes;
      type = "derivation";
      outPath = "/nix/store/stub-${name}";
      overrideAttrs = change: derivationOf (attributes // change (derivationOf attributes));
    };
  named =
    name:
    derivationOf {
      inherit name;
      version = "0";
    };
  packagesFor =
    system: isStatic:
    let
      platform = {
        inherit system isStatic;
        parsed.cpu.name = builtins.head (builtins.match "([^-]*)-.*" system);
        linux-kernel.target = if system == "x86_64-linux" then "bzImage" else "Image";
      };
      stdenv = {
        hostPlatform = platform;
        buildPlatform = platform;
        mkDerivation = derivationOf;
        cc = named "cc" // {
          targetPrefix = if isStatic then "static-" else "";
        };
      };
      pkgs =
        lib.genAttrs [
          "cacert"
          "cargo"
          "clippy"
          "cpio"
          "ffmpeg-headless"
          "gnutls"
          "linux"
          "nasm"
          "nginx"
          "nixfmt"
          "openssl"
          "pkg-config"
          "rustc"
          "rustfmt"
          "strace"
          "systemd"
          "xz"
          "zlib"
          "zstd"
        ] named
        // {
          inherit lib stdenv;
          stdenvNoCC = removeAttrs stdenv [ "cc" ];
          ffmpeg = named "ffmpeg" // {
            src = named "ffmpeg-src";
          };
          prometheus = named "prometheus" // {
            cli = named "promtool";
          };
          rustPlatform.buildRustPackage =
            attributes: assert builtins.pathExists attributes.cargoLock.lockFile; derivationOf attributes;
          callPackage =
            file: given:
            let
              make = import file;
            in
            make (builtins.intersectAttrs (builtins.functionArgs make) pkgs // given);
          mkShell = attributes: derivationOf ({ name = "shell"; } // attributes);
          writeShellApplication =
            { name, ... }@attributes: derivationOf (attributes // { meta.mainProgram = name; });
          runCommand =
            name: attributes: command:
            derivationOf (attributes // { inherit name command; });
          closureInfo = attributes: derivationOf ({ name = "closure-info"; } // attributes);
          testers.runNixOSTest = derivationOf;
          dockerTools = {
            caCertificates = named "ca-certificates";
            buildLayeredImage = derivationOf;
          };
          pkgsStatic = packagesFor system true;
        };
    in
    pkgs;
in
{
  inherit lib;
  legacyPackages = lib.genAttrs [
    "x86_64-linux"
    "aarch64-linux"
  ] (system: packagesFor system false);
}
