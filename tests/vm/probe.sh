# Runs as the only job of the machine of systemd.sh: exercises the unit and prints the results.

swarm=ffmpeg-hls-swarm

# holds WHAT COMMAND…: prints whether the command succeeds within a minute.
holds() {
  local what=$1 tries=120
  shift
  until "$@" >/tmp/said 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ]; then
      echo "FAILED  $what: $(cat /tmp/said)"
      return
    fi
    sleep 0.5
  done
  echo "ok  $what"
}

property() { systemctl show -P "$1" "${2:-$swarm}"; }
is() { [ "$(property "$1")" = "$2" ]; }
scrape() { curl -s http://127.0.0.1:9090/metrics | grep "$@"; }
main() { property MainPID; }
status_of() { grep -q "$2" "/proc/$1/status"; }
nice_of() { [ "$(cut -d ' ' -f 19 "/proc/$1/stat")" = "$2" ]; }
client() { cut -d ' ' -f 1 "/proc/$(main)/task/$(main)/children"; }
no_ffmpeg() { ! cat /proc/[0-9]*/comm | grep -q '^ffmpeg$'; }
has_no_variables() { ! grep -aqE 'NOTIFY_SOCKET|WATCHDOG_' "/proc/$(client)/environ"; }

busybox ifconfig lo up
holds "the kernel takes the settings" sysctl -p /etc/sysctl.conf
holds "the origin starts" systemctl start origin
holds "the load starts" systemctl start $swarm
holds "it is ready when it has started" curl -sf http://127.0.0.1:9090/-/ready
holds "its clients play" scrape -E '^hlsswarm_requests_total.*segment"} [1-9]'
holds "systemd knows how it goes" is StatusText "10 of 10 clients active, 0 restarts"
holds "it has no capability" status_of "$(main)" 'CapEff:.0*$'
holds "its clients are filtered" status_of "$(client)" 'Seccomp:.2'
holds "it goes ahead of its clients" nice_of "$(main)" -5
holds "its clients go ahead of nobody" nice_of "$(client)" 0
holds "its clients have the soft limit" grep -q 'open files  *1024 ' "/proc/$(client)/limits"
holds "its clients know no manager" has_no_variables
kill -9 "$(client)"
holds "a client that is killed comes again" scrape '^hlsswarm_clients_restarted_total 1'

kill -STOP "$(main)"
holds "a loop that hangs is started again" is NRestarts 1
holds "and it plays again" scrape '^hlsswarm_clients_active 10'
holds "it stops" systemctl stop $swarm
holds "its end is a success" is Result success
holds "no client is left" no_ffmpeg
holds "the summary is in the journal" eval "journalctl -u $swarm -o cat | grep 'exit summary'"
holds "the summary is a file" grep -q '"schema' /var/lib/$swarm/summary.json

sed -i 's/^CLIENTS=.*/CLIENTS=0/' /etc/$swarm/environment
systemctl start $swarm
holds "bad usage is not tried again" is ExecMainStatus 2
holds "and its start has failed" is ActiveState failed
holds "the origin stops" systemctl stop origin
echo "ok  all was tried"
busybox poweroff -f
