# All outputs of the flake against the stand-in for nixpkgs, as one value for
# tests/nix.rs.
let
  nixpkgs = import ./nixpkgs.nix;
  inherit (nixpkgs) lib;
  flake = import ../../flake.nix;
  outputs = flake.outputs {
    self = outputs;
    inherit nixpkgs;
  };
  system = "x86_64-linux";
  pkgs = nixpkgs.legacyPackages.${system};

  # force VALUE: a derivation with all that goes into it.
  force =
    value:
    let
      parts = removeAttrs value.attributes [ "cargoLock" ];
    in
    builtins.deepSeq (builtins.removeAttrs parts [ "closure" ]) value.name;
  forceAll = builtins.mapAttrs (_: builtins.mapAttrs (_: force));

  evaluate =
    user:
    import ./modules.nix { inherit lib; } {
      module = outputs.nixosModules.default;
      user.services.ffmpeg-hls-swarm = user;
      args = {
        inherit pkgs;
        # As NixOS quotes them for systemd, where no argument holds a special letter.
        utils.escapeSystemdExecArgs = arguments: builtins.concatStringsSep " " (map quoted arguments);
      };
    };
  quoted = argument: ''"${builtins.replaceStrings [ "%" "$" ] [ "%%" "$$" ] argument}"'';
  loading =
    settings:
    evaluate (
      {
        enable = true;
        url = "http://origin.example/stream.m3u8";
      }
      // settings
    );
  loadUnit = settings: (loading settings).units.ffmpeg-hls-swarm;
  isAccepted =
    settings: (builtins.tryEval (builtins.deepSeq (loadUnit settings).serviceConfig true)).success;
in
{
  packages = forceAll outputs.packages;
  apps = builtins.mapAttrs (_: builtins.mapAttrs (_: app: app.program)) outputs.apps;
  devShells = forceAll outputs.devShells;
  checks = forceAll outputs.checks;
  formatter = builtins.mapAttrs (_: force) outputs.formatter;
  input = flake.inputs.nixpkgs.url;

  leanFlags = outputs.packages.${system}.lean-ffmpeg.configureFlags;
  image = {
    inherit (outputs.packages.${system}.container) config;
    contents = map (content: content.name) outputs.packages.${system}.container.contents;
  };

  options = builtins.attrNames (evaluate { }).options.services.ffmpeg-hls-swarm.settings;
  off = {
    inherit (evaluate { }) units sysctl ports;
  };
  profiles = lib.genAttrs (builtins.attrNames (import ../../docs/deploy/nix/profiles.nix)) (
    profile: (loadUnit { inherit profile; }).serviceConfig.ExecStart
  );
  load = {
    inherit (loading { openFirewall = true; }) units sysctl ports;
  };
  origin = {
    inherit
      (evaluate {
        origin = {
          enable = true;
          listen = "0.0.0.0:8080";
          faults = [ "404:segments:5%" ];
          openFirewall = true;
        };
        tuneKernel = false;
      })
      units
      sysctl
      ports
      ;
  };
  settings =
    (loadUnit {
      profile = "stress";
      environmentFile = "/run/secrets/swarm";
      settings = {
        clients = 7;
        rampRate = 2.5;
        reconnect = false;
        header = [
          "A: b"
          "C: d"
        ];
        metrics = 9100;
      };
    }).serviceConfig;
  missingUrl = (loading { url = null; }).failed;
  # Each must be true or false, by its name.
  accepted = {
    nothing_more = isAccepted { };
    a_span = isAccepted { settings.duration = "1h30m"; };
    an_address = isAccepted { settings.metrics = "127.0.0.1:9090"; };
  };
  refused = builtins.mapAttrs (_: isAccepted) {
    no_clients = { settings.clients = 0; };
    clients_as_text = { settings.clients = "10"; };
    a_ramp_below_one = { settings.rampRate = 0.5; };
    a_span_without_unit = { settings.duration = "90"; };
    an_unknown_variant = { settings.variant = "best"; };
    a_header_without_colon = { settings.header = [ "no" ]; };
    a_header_of_two_lines = { settings.header = [ "A: b\nC: d" ]; };
    an_unknown_profile = { profile = "huge"; };
    an_unknown_setting = { settings.client = 10; };
    a_url_of_a_file = { url = "file:///etc/passwd"; };
  };
}
