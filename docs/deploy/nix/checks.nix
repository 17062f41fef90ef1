# What `nix flake check` runs. The tests that need a repository, a tracer or a second
# FFmpeg are left to `cargo test`: a sandbox of Nix has none of them.
{
  pkgs,
  own,
  statics,
  module,
}:
let
  inherit (pkgs) lib;
  top = ../../..;
  source = lib.fileset.toSource {
    root = top;
    fileset = lib.fileset.unions [
      (top + "/.clippy.toml")
      (top + "/.rustfmt.toml")
      (top + "/Cargo.toml")
      (top + "/Cargo.lock")
      (top + "/README.md")
      (top + "/benches")
      (top + "/docs")
      (top + "/src")
      (top + "/tests")
    ];
  };
  # cargoDoes NAME INPUTS COMMAND: a command of cargo with the crates at hand.
  cargoDoes =
    name: inputs: command:
    own.default.overrideAttrs (before: {
      pname = "ffmpeg-hls-swarm-${name}";
      src = source;
      nativeBuildInputs = before.nativeBuildInputs ++ inputs;
      buildPhase = ''
        runHook preBuild
        ${command}
        runHook postBuild
      '';
      installPhase = "touch $out";
    });
in
{
  build = own.default;
  inherit (own) lean-ffmpeg container;
  clippy = cargoDoes "clippy" [ pkgs.clippy ] "cargo clippy --frozen --all-targets -- -D warnings";
  formatting = cargoDoes "formatting" [ pkgs.rustfmt ] "cargo fmt --check";
  tests = cargoDoes "tests" [ own.lean-ffmpeg ] ''
    cargo test --frozen --lib --test cli --test simulation --test log_captures \
      --test e2e_lifecycle --test e2e_stop --test e2e_notify
  '';
  nixos = pkgs.testers.runNixOSTest (import ./test.nix { inherit module; });
  # An image without a shell stays one.
  container-has-no-shell =
    pkgs.runCommand "container-has-no-shell"
      {
        closure = pkgs.closureInfo {
          rootPaths = [
            statics.swarm
            statics.leanFfmpeg
          ];
        };
      }
      ''
        while read -r path; do
          for shell in sh bash dash busybox; do
            if [ -e "$path/bin/$shell" ]; then
              echo "$path holds $shell" >&2
              exit 1
            fi
          done
        done <"$closure/store-paths"
        touch "$out"
      '';
}
