# The flags of a load (docs/CLI.md) with their types. tests/nix.rs checks that none is
# missing.
{ lib }:
let
  inherit (lib) types;
  span = types.strMatching "0|([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+";
  line = types.strMatching "[^\r\n]*";
  header = types.strMatching "@[^\r\n]+|[^@:\r\n]+:[^\r\n]*";
  number = types.either types.int types.float;
  atLeastOne = types.addCheck number (value: value >= 1);
in
{
  clients = {
    type = types.ints.between 1 1000000;
    description = "Target number of concurrent clients.";
  };
  ramp-rate = {
    type = atLeastOne;
    description = "Clients started per second.";
  };
  ramp-jitter = {
    type = span;
    description = "Random offset of each start, 0 to this.";
  };
  duration = {
    type = span;
    description = "Run time; 0 runs until the service is stopped.";
  };
  seed = {
    type = types.ints.unsigned;
    description = "Makes jitter and backoff reproducible.";
  };

  max-restarts = {
    type = types.ints.unsigned;
    description = "Restarts of each client; 0 is unlimited.";
  };
  backoff-initial = {
    type = span;
    description = "Delay before the first restart of a client.";
  };
  backoff-max = {
    type = span;
    description = "Longest delay before a restart.";
  };
  backoff-multiplier = {
    type = atLeastOne;
    description = "Factor by which the delay grows from one restart to the next.";
  };
  restart-on-stall = {
    type = types.bool;
    description = "Kill stalled clients, so that they restart.";
  };

  url-from = {
    type = types.strMatching "/[^\r\n]+";
    description = "Read the playlist's URL from this file.";
  };
  variant = {
    type = types.enum [
      "all"
      "highest"
      "lowest"
      "first"
    ];
    description = "Renditions that each client reads.";
  };
  probe-failure-policy = {
    type = types.enum [
      "fallback"
      "fail"
    ];
    description = "Action if ffprobe cannot read the variants.";
  };
  target-duration = {
    type = span;
    description = "Segment duration, if not the stream's own; twice this time without media is a stall.";
  };

  tap = {
    type = types.bool;
    description = "Carry the clients' traffic and count each exchange as it is on the wire.";
  };
  resolve = {
    type = types.strMatching "[0-9a-fA-F.:]+";
    description = "Connect to this IP instead of the URL's host; requires dangerous.";
  };
  no-cache = {
    type = types.bool;
    description = "Ask caches for fresh responses.";
  };
  header = {
    type = types.listOf header;
    description = "Extra request headers, which all users with access to the store can read. \"@/run/secrets/headers\" is a file with one per line.";
  };
  header-hosts = {
    type = types.str;
    description = "Hosts that get Authorization and Cookie besides the URL's, by commas, or all.";
  };
  user-agent = {
    type = line;
    description = "User-Agent; /client-N is appended.";
  };
  timeout = {
    type = span;
    description = "Network read and write timeout; 0 means none.";
  };
  reconnect = {
    type = types.bool;
    description = "Let FFmpeg reconnect if the connection of the first playlist fails.";
  };
  reconnect-delay = {
    type = types.ints.between 0 4294;
    description = "Longest reconnect delay, in seconds.";
  };
  seg-retry = {
    type = types.ints.unsigned;
    description = "Retries of a segment, if FFmpeg supports the option.";
  };
  http-multiple = {
    type = types.bool;
    description = "FFmpeg's own prefetching.";
  };

  ffmpeg = {
    type = types.path;
    description = "FFmpeg; by default that of ffmpegPackage.";
  };
  ffprobe = {
    type = types.path;
    description = "ffprobe; by default the one next to FFmpeg.";
  };
  ffmpeg-memory-max = {
    type = types.strMatching "[0-9]+[KMGT]?";
    description = "Kill an FFmpeg with more resident memory than this; 0 means no limit.";
  };
  ffmpeg-arg = {
    type = types.listOf types.str;
    description = "Extra arguments for FFmpeg before -i, one list element each.";
  };

  metrics = {
    type = types.either types.port types.str;
    description = "Scrape address: a port, or addr:port; an empty string disables it.";
  };
  prom-client-metrics = {
    type = types.bool;
    description = "Export series per client.";
  };
  summary-json = {
    type = types.str;
    description = "Write the exit summary as JSON to this file, below /var/lib/ffmpeg-hls-swarm.";
  };
  show-query = {
    type = line;
    description = "Show the values of these query parameters; all others are masked.";
  };
  stats = {
    type = types.bool;
    description = "Read FFmpeg's progress and log.";
  };
  stats-loglevel = {
    type = types.enum [
      "info"
      "verbose"
      "debug"
    ];
    description = "FFmpeg's log level when stats are on.";
  };
  v = {
    type = types.bool;
    description = "Log FFmpeg's stderr lines.";
  };
  log-level = {
    type = types.enum [
      "debug"
      "info"
      "warn"
      "warning"
      "error"
    ];
    description = "Least severe event logged.";
  };
  log-format = {
    type = types.enum [
      "json"
      "text"
    ];
    description = "Format of the log.";
  };

  dangerous = {
    type = types.bool;
    description = "Required by resolve: TLS is not verified.";
  };
  check = {
    type = types.bool;
    description = "Run one client for 10 s, then print a verdict.";
  };
  skip-preflight = {
    type = types.bool;
    description = "Do not check this host's limits.";
  };
  demo = {
    type = types.bool;
    description = "Start the built-in origin and load it.";
  };
  fault = {
    type = types.listOf types.str;
    description = "Faults of the demo's origin (docs/ORIGIN.md).";
  };
  shard = {
    type = types.strMatching "[0-9]+/[0-9]+";
    description = "Share of the clients, I/N.";
  };
  start-at = {
    type = types.str;
    description = "Time at which the ramp begins (RFC 3339).";
  };
  report = {
    type = types.str;
    description = "Write an HTML report of the run to this file.";
  };
  origin-metrics = {
    type = types.str;
    description = "URL of the origin's node_exporter.";
  };
  nginx-metrics = {
    type = types.str;
    description = "URL of the origin's nginx exporter or stub_status.";
  };
  origin-metrics-host = {
    type = types.str;
    description = "Host of both exporters, at their usual ports.";
  };
  origin-metrics-interval = {
    type = span;
    description = "Interval between polls of the origin's exporters.";
  };
  origin-metrics-window = {
    type = span;
    description = "Window of the recent percentiles of the origin's exporters.";
  };
}
