# The program. Every crate comes from crates.io by the checksums of Cargo.lock.
{ lib, rustPlatform }:
let
  top = ../../..;
  manifest = lib.importTOML (top + "/Cargo.toml");
in
rustPlatform.buildRustPackage {
  pname = manifest.package.name;
  inherit (manifest.package) version;
  src = lib.fileset.toSource {
    root = top;
    fileset = lib.fileset.unions [
      (top + "/Cargo.toml")
      (top + "/Cargo.lock")
      (top + "/src")
      # Cargo.toml names it and is not valid without it.
      (top + "/benches/parsing.rs")
    ];
  };
  cargoLock.lockFile = top + "/Cargo.lock";
  # checks.nix runs the tests.
  doCheck = false;
  meta = {
    inherit (manifest.package) description;
    license = lib.licenses.mit;
    mainProgram = manifest.package.name;
    platforms = lib.platforms.linux;
  };
}
