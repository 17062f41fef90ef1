# The apps of `nix run`: the program with the lean FFmpeg in its PATH.
{ pkgs, own }:
let
  app = name: first: {
    type = "app";
    program = pkgs.lib.getExe (
      pkgs.writeShellApplication {
        inherit name;
        runtimeInputs = [
          own.default
          own.lean-ffmpeg
        ];
        text = ''exec ffmpeg-hls-swarm ${first} "$@"'';
      }
    );
    meta.description = own.default.meta.description;
  };
in
{
  default = app "ffmpeg-hls-swarm" "";
  origin = app "hls-swarm-origin" "origin";
  demo = app "hls-swarm-demo" "--demo";
}
