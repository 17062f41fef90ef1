# services.ffmpeg-hls-swarm: a load of one playlist, and the built-in origin, as
# services of NixOS. Units and kernel settings are those of docs/deploy/systemd.
#
# Every flag of a load is an option below `settings`: `-ramp-rate` is `rampRate`. An
# option that is null keeps the program's default.
{ ownPackages }:
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.ffmpeg-hls-swarm;
  plain = import ./plain.nix { inherit lib; };
  unit = plain.unit ../systemd/ffmpeg-hls-swarm.service;
  sysctl = plain.sysctl ../systemd/sysctl.conf;
  flags = import ./flags.nix { inherit lib; };
  profiles = import ./profiles.nix;

  # camelCase "ramp-rate": "rampRate"
  camelCase =
    flag:
    let
      words = lib.splitString "-" flag;
      capital = word: lib.toUpper (lib.substring 0 1 word) + lib.substring 1 (-1) word;
    in
    lib.head words + lib.concatMapStrings capital (lib.tail words);

  optionOf =
    flag:
    { type, description }:
    lib.nameValuePair (camelCase flag) (mkOption {
      type = types.nullOr type;
      default = null;
      inherit description;
    });

  argumentsOf =
    flag: _:
    let
      value = cfg.settings.${camelCase flag};
      text = one: if lib.isBool one then lib.boolToString one else toString one;
    in
    lib.optionals (value != null) (map (one: "-${flag}=${text one}") (lib.toList value));

  loadArguments =
    lib.concatLists (lib.mapAttrsToList argumentsOf flags) ++ lib.optional (cfg.url != null) cfg.url;

  originArguments = [
    "origin"
    "-listen=${cfg.origin.listen}"
  ]
  ++ map (fault: "-fault=${fault}") cfg.origin.faults
  ++ cfg.origin.extraArguments;

  # serviceOf NAME: the plain [Service] section for a state folder of this name.
  serviceOf =
    name: arguments:
    removeAttrs unit.Service [ "EnvironmentFile" ]
    // {
      ExecStart = utils.escapeSystemdExecArgs ([ (lib.getExe cfg.package) ] ++ arguments);
      StateDirectory = name;
      WorkingDirectory = "%S/${name}";
    };

  portOf = address: lib.toInt (lib.last (lib.splitString ":" (toString address)));
  metrics = if cfg.settings.metrics == null then 9090 else cfg.settings.metrics;
in
{
  options.services.ffmpeg-hls-swarm = {
    enable = lib.mkEnableOption "a load of one HLS playlist by FFmpeg clients";

    package = mkOption {
      type = types.package;
      default = (ownPackages pkgs).default;
      description = "The program.";
    };

    ffmpegPackage = mkOption {
      type = types.package;
      default = (ownPackages pkgs).lean-ffmpeg;
      description = "The package of FFmpeg and ffprobe.";
    };

    url = mkOption {
      type = types.nullOr (types.strMatching "https?://[^[:space:]]+");
      default = null;
      description = "Playlist to load. Put a URL with a secret into environmentFile as STREAM_URL.";
    };

    environmentFile = mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "File with variables of docs/CLI.md that must not be in the store.";
    };

    profile = mkOption {
      type = types.nullOr (types.enum (lib.attrNames profiles));
      default = "default";
      description = "Size of the load by name; settings override it, null means none.";
    };

    settings = lib.mapAttrs' optionOf flags;

    openFirewall = mkOption {
      type = types.bool;
      default = false;
      description = "Open the scrape port in the firewall.";
    };

    tuneKernel = mkOption {
      type = types.bool;
      default = true;
      description = "Raise the kernel limits that are too low for thousands of clients.";
    };

    origin = {
      enable = lib.mkEnableOption "the built-in HLS origin";

      listen = mkOption {
        type = types.strMatching ".*:[0-9]+";
        default = "127.0.0.1:8080";
        description = "Address and port to serve on.";
      };

      faults = mkOption {
        type = types.listOf types.str;
        default = [ ];
        description = "Faults to inject (docs/ORIGIN.md).";
      };

      extraArguments = mkOption {
        type = types.listOf types.str;
        default = [ ];
        description = "Further arguments of the origin (docs/CLI.md).";
      };

      openFirewall = mkOption {
        type = types.bool;
        default = false;
        description = "Open the origin's port in the firewall.";
      };
    };
  };

  config = lib.mkMerge [
    (lib.mkIf cfg.enable {
      assertions = [
        {
          assertion = cfg.url != null || cfg.environmentFile != null || cfg.settings.demo == true;
          message = "services.ffmpeg-hls-swarm needs a url, or STREAM_URL in its environmentFile";
        }
      ];

      services.ffmpeg-hls-swarm.settings =
        lib.mapAttrs (_: lib.mkDefault) (if cfg.profile == null then { } else profiles.${cfg.profile})
        // {
          ffmpeg = lib.mkDefault (lib.getExe' cfg.ffmpegPackage "ffmpeg");
        };

      systemd.services.ffmpeg-hls-swarm = {
        description = "HLS load by FFmpeg clients";
        wantedBy = [ unit.Install.WantedBy ];
        wants = [ unit.Unit.Wants ];
        after = [ unit.Unit.After ];
        unitConfig = removeAttrs unit.Unit [
          "Description"
          "Wants"
          "After"
        ];
        serviceConfig =
          serviceOf "ffmpeg-hls-swarm" loadArguments
          // lib.optionalAttrs (cfg.environmentFile != null) { EnvironmentFile = cfg.environmentFile; };
      };

      networking.firewall.allowedTCPPorts = lib.mkIf (cfg.openFirewall && metrics != "") [
        (portOf metrics)
      ];
    })

    (lib.mkIf cfg.origin.enable {
      systemd.services.ffmpeg-hls-swarm-origin = {
        description = "Synthetic HLS origin";
        wantedBy = [ unit.Install.WantedBy ];
        wants = [ unit.Unit.Wants ];
        after = [ unit.Unit.After ];
        serviceConfig = serviceOf "ffmpeg-hls-swarm-origin" originArguments;
      };

      networking.firewall.allowedTCPPorts = lib.mkIf cfg.origin.openFirewall [
        (portOf cfg.origin.listen)
      ];
    })

    (lib.mkIf (cfg.tuneKernel && (cfg.enable || cfg.origin.enable)) {
      # The machine's own values take precedence.
      boot.kernel.sysctl = lib.mapAttrs (_: lib.mkDefault) sysctl;
    })
  ];
}
