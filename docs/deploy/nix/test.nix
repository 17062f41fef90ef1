# Two machines: an origin, and a swarm that loads it and is scraped and stopped.
{ module }:
{
  name = "ffmpeg-hls-swarm";

  nodes.origin = {
    imports = [ module ];
    services.ffmpeg-hls-swarm.origin = {
      enable = true;
      listen = "0.0.0.0:8080";
      openFirewall = true;
    };
  };

  nodes.client = {
    imports = [ module ];
    services.ffmpeg-hls-swarm = {
      enable = true;
      url = "http://origin:8080/stream.m3u8";
      profile = "gentle";
      settings = {
        clients = 5;
        rampRate = 5;
        summaryJson = "summary.json";
      };
    };
  };

  testScript = ''
    start_all()
    origin.wait_for_unit("ffmpeg-hls-swarm-origin.service")
    origin.wait_for_open_port(8080)

    # The unit is active once the loop runs and the address responds.
    client.wait_for_unit("ffmpeg-hls-swarm.service")
    client.succeed("curl -sf http://localhost:9090/health")
    client.wait_until_succeeds(
        "curl -sf http://localhost:9090/metrics | grep -x 'hlsswarm_clients_active 5'"
    )
    client.wait_until_succeeds(
        "curl -sf http://localhost:9090/metrics"
        " | grep -E '^hlsswarm_requests_total[{]kind=\"segment\"[}] [1-9]'"
    )
    origin.succeed("curl -sf http://localhost:8080/metrics | grep hlsswarm_origin")
    client.succeed("systemctl show -P StatusText ffmpeg-hls-swarm | grep 'of 5 clients'")

    client.succeed("systemctl stop ffmpeg-hls-swarm")
    client.succeed("test $(systemctl show -P Result ffmpeg-hls-swarm) = success")
    client.fail("pgrep -x ffmpeg")
    client.succeed("journalctl -u ffmpeg-hls-swarm | grep 'exit summary'")
    client.succeed("grep -q stopped /var/lib/ffmpeg-hls-swarm/summary.json")
  '';
}
