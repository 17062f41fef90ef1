# Builds, runs and tests ffmpeg-hls-swarm with Nix. docs/deploy/nix.md describes the
# outputs and which of them were tested.
{
  description = "Puts an HLS origin or CDN under the load of real FFmpeg clients";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      forEachSystem =
        make:
        lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (system: make nixpkgs.legacyPackages.${system});
      packagesOf = pkgs: self.packages.${pkgs.stdenv.hostPlatform.system};
      # Static builds, for images without an operating system.
      staticsOf = pkgs: {
        swarm = pkgs.pkgsStatic.callPackage ./docs/deploy/nix/package.nix { };
        leanFfmpeg = pkgs.pkgsStatic.callPackage ./docs/deploy/nix/lean-ffmpeg.nix { };
      };
    in
    {
      packages = forEachSystem (pkgs: {
        default = pkgs.callPackage ./docs/deploy/nix/package.nix { };
        lean-ffmpeg = pkgs.callPackage ./docs/deploy/nix/lean-ffmpeg.nix { };
        container = pkgs.callPackage ./container.nix (staticsOf pkgs);
        microvm = pkgs.callPackage ./docs/deploy/nix/microvm.nix (staticsOf pkgs);
      });

      apps = forEachSystem (
        pkgs:
        import ./docs/deploy/nix/apps.nix {
          inherit pkgs;
          own = packagesOf pkgs;
        }
      );

      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ (packagesOf pkgs).default ];
          # The packages that .ci/setup installs elsewhere.
          packages = [
            pkgs.cargo
            pkgs.clippy
            pkgs.ffmpeg-headless
            pkgs.nginx
            pkgs.openssl
            pkgs.prometheus.cli
            pkgs.rustc
            pkgs.rustfmt
            pkgs.strace
            pkgs.systemd
          ];
          FFMPEG_LEAN = lib.getExe' (packagesOf pkgs).lean-ffmpeg "ffmpeg";
        };
      });

      checks = forEachSystem (
        pkgs:
        import ./docs/deploy/nix/checks.nix {
          inherit pkgs;
          own = packagesOf pkgs;
          statics = staticsOf pkgs;
          module = self.nixosModules.default;
        }
      );

      nixosModules.default = import ./docs/deploy/nix/module.nix { ownPackages = packagesOf; };

      formatter = forEachSystem (pkgs: pkgs.nixfmt);
    };
}
