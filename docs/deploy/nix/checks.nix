# The checks of `nix flake check`. Tests that need a repository, a tracer or a second
# FFmpeg run only with `cargo test`: the Nix sandbox has none of these.
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
  # cargoDoes NAME INPUTS COMMAND: a cargo command with the vendored crates.
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
  # The image must not contain a shell.
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
