# A layered image of the swarm, the lean FFmpeg and the certificates of public
# authorities, with an unprivileged user and without a shell or a package manager. It
# writes nothing, so its root file system can be read-only. Settings are the environment
# variables of docs/CLI.md.
#
#   nix build .#container && podman load <result
{
  lib,
  dockerTools,
  swarm,
  leanFfmpeg,
}:
let
  seconds = count: count * 1000 * 1000 * 1000;
  program = lib.getExe swarm;
in
dockerTools.buildLayeredImage {
  name = "ffmpeg-hls-swarm";
  tag = swarm.version;
  contents = [
    swarm
    leanFfmpeg
    dockerTools.caCertificates
  ];
  config = {
    Entrypoint = [ program ];
    # PATH for finding FFmpeg; the variables of a run are added to these.
    Env = [
      "PATH=/bin"
      "SSL_CERT_FILE=/etc/ssl/certs/ca-bundle.crt"
    ];
    User = "65532:65532";
    WorkingDir = "/";
    ExposedPorts."9090/tcp" = { };
    # The first signal stops the run gracefully, within 10 s.
    StopSignal = "SIGTERM";
    Healthcheck = {
      Test = [
        "CMD"
        program
        "healthcheck"
      ];
      Interval = seconds 10;
      Timeout = seconds 3;
      StartPeriod = seconds 15;
      Retries = 3;
    };
    Labels = {
      "org.opencontainers.image.title" = "ffmpeg-hls-swarm";
      "org.opencontainers.image.description" = swarm.meta.description;
      "org.opencontainers.image.version" = swarm.version;
      "org.opencontainers.image.licenses" = "MIT AND LGPL-3.0-or-later AND Apache-2.0";
    };
  };
}
