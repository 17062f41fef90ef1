# A run of four shards: nomad job run -var start_at=2026-01-31T18:00:00Z FILE
# See docs/SCALING-OUT.md.

variable "start_at" {
  type        = string
  default     = ""
  description = "A time after all shards are placed (RFC 3339); empty means at once."
}

variable "stream_url" {
  type    = string
  default = "https://origin.example.com/live/stream.m3u8"
}

variable "image" {
  type    = string
  default = "ffmpeg-hls-swarm:latest"
}

job "ffmpeg-hls-swarm" {
  type = "batch"

  group "shards" {
    # The same number as in SHARD below.
    count = 4

    # Shards on one node share its network; the purpose of shards is to use several.
    spread {
      attribute = "${node.unique.id}"
    }

    # A shard that could not start is retried once.
    restart {
      attempts = 1
      interval = "1h"
      delay    = "5s"
      mode     = "fail"
    }

    network {
      port "metrics" {}
    }

    service {
      name     = "ffmpeg-hls-swarm"
      port     = "metrics"
      provider = "nomad"

      # Ready means that the setup is complete, also while waiting for START_AT.
      check {
        type     = "http"
        path     = "/-/ready"
        interval = "5s"
        timeout  = "2s"
      }
    }

    task "swarm" {
      driver = "docker"
      user   = "65532:65532"

      # A stop takes at most 10 s, whatever FFmpeg does.
      kill_timeout = "15s"

      config {
        image           = var.image
        args            = ["-summary-json", "/dev/stdout"]
        ports           = ["metrics"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]

        ulimit {
          nofile = "20000:20000"
        }
      }

      env {
        # Settings of the whole run, except SHARD.
        STREAM_URL   = var.stream_url
        CLIENTS      = "1000"
        RAMP_RATE    = "50"
        DURATION     = "10m"
        SEED         = "1"
        START_AT     = var.start_at
        SHARD        = "${NOMAD_ALLOC_INDEX}/4"
        METRICS_PORT = "0.0.0.0:${NOMAD_PORT_metrics}"
      }

      # 250 clients of one rendition with a lean FFmpeg: about 5 MiB each, and
      # 0.8 ms of CPU a second; a start takes 7 ms, and there are 12 or 13 a second.
      resources {
        cpu    = 1000
        memory = 2048
      }
    }
  }
}
