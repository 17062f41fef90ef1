#!/usr/bin/env python3
"""Regenerates the captures of FFmpeg's log and progress; see README.md.

Each runs the program's FFmpeg command against the built-in origin, behind a server that
fails as the scenario requires. Needs the program, the FFmpegs, openssl.
"""

import argparse
import concurrent.futures
import pathlib
import re
import shlex
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True  # No cache among the captures.

from faulty import Server
from scenarios import SCENARIOS

HERE = pathlib.Path(__file__).resolve().parent
LEVELS = {
    "verbose": "repeat+level+verbose",
    "debug": "repeat+level+debug",
    "datetime": "repeat+level+datetime+verbose",
}
# Log flags `time` and `datetime` came with this major version.
DATETIME_FROM = 8
# Network timeout of the clients: short, so that a hang fits into a capture.
TIMEOUT = "3s"
# As in the program: a second SIGTERM, then SIGKILL (src/swarm/stopping.rs).
AGAIN_AFTER_SECS = 0.3
KILL_AFTER_SECS = 5
READ_BYTES = 65536
KEY = bytes(range(16))
# Three variants of the lowest bit rates of the origin.
ORIGIN = ["-variants", "150k,200k,250k", "-segment-duration", "1s", "-window", "4", "-listen", "127.0.0.1:0"]


def command(program, ffmpeg, variant, url):
    """The command of the program's client 0, in words."""
    words = [program, "--print-cmd", "-ffmpeg", ffmpeg, "-variant", variant, "-timeout", TIMEOUT]
    printed = subprocess.run([*words, url], capture_output=True, text=True, check=True)
    return shlex.split(printed.stdout)


def start_origin(program):
    origin = subprocess.Popen([program, "origin", *ORIGIN], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    for line in origin.stdout:
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        if found:
            threading.Thread(target=origin.stdout.read, daemon=True).start()
            return origin, int(found[1])
    sys.exit("make.py: the origin did not start")


def make_certificate(folder):
    """A self-signed certificate for 127.0.0.1."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def make_media(ffmpeg, folder, options):
    """Five seconds on demand by FFmpeg's muxer, with a master playlist."""
    folder.mkdir()
    (folder / "key.bin").write_bytes(KEY)
    key = ["-hls_enc_key", KEY.hex()] if "-hls_enc" in options else []
    subprocess.run(
        [ffmpeg, "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc=s=160x90:r=10",
         "-f", "lavfi", "-i", "sine", "-t", "5", "-c:v", "libx264", "-preset", "ultrafast",
         "-g", "10", "-c:a", "aac", "-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod",
         *options, *key, "-master_pl_name", "stream.m3u8", "index.m3u8"],
        check=True, cwd=folder)


class Record:
    """The bytes of a pipe and their times of arrival, in milliseconds."""

    def __init__(self, pipe, start):
        self.data = bytearray()
        self.times = []
        self.thread = threading.Thread(target=self.read, args=(pipe, start))
        self.thread.start()

    def read(self, pipe, start):
        while piece := pipe.read1(READ_BYTES):
            came = f"{time.monotonic() - start:.3f}"
            if not self.times or self.times[-1][1] != came:
                self.times.append((len(self.data), came))
            self.data += piece

    def write(self, path, times_path):
        self.thread.join()
        path.write_bytes(self.data)
        times_path.write_text("".join(f"{at}\t{came}\n" for at, came in self.times))


def finish(process, start, seconds, outage, server):
    """Waits, then stops the process as the program does; returns how it ended."""
    sent = []

    def wait_until(moment):
        try:
            process.wait(max(0, start + moment - time.monotonic()))
            return True
        except subprocess.TimeoutExpired:
            return False

    def send(number):
        sent.append(f"{number.name}@{time.monotonic() - start:.3f}")
        process.send_signal(number)

    if outage:
        wait_until(outage[0])
        server.go_down()
        wait_until(outage[1])
        server = server.come_back()
    if not wait_until(seconds):
        send(signal.SIGTERM)
        if not wait_until(seconds + AGAIN_AFTER_SECS):
            send(signal.SIGTERM)
        if not wait_until(seconds + KILL_AFTER_SECS):
            send(signal.SIGKILL)
            process.wait()
    return f"exit\t{process.returncode}\nended\t{time.monotonic() - start:.3f}\n" + "".join(
        f"signal\t{one}\n" for one in sent), server


def capture(job, origin_port, tls, scratch):
    """Makes the files of one scenario, version and level."""
    version, name, level, words, folder = job
    scenario = SCENARIOS[name]
    server = Server(scenario.response, origin_port, scratch / name, tls if scenario.tls else None)
    scheme = "https" if scenario.tls else "http"
    authority = scenario.authority or f"127.0.0.1:{server.port}"
    words = list(words)
    words[words.index("-loglevel") + 1] = LEVELS[level]
    words[words.index("-i") + 1] = f"{scheme}://{authority}{scenario.path}"
    environment = {"PATH": "/usr/bin:/bin"}
    if scenario.trusted:
        environment["SSL_CERT_FILE"] = str(scratch / "cert.pem")
    server.seen.start = start = time.monotonic()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment)
    log, progress = Record(process.stderr, start), Record(process.stdout, start)
    ending, server = finish(process, start, scenario.seconds, scenario.outage, server)
    target = folder / version
    target.mkdir(parents=True, exist_ok=True)

    def path(suffix):
        return target / f"{name}.{level}.{suffix}"

    log.write(path("stderr"), path("times"))
    progress.write(path("progress"), path("progress_times"))
    time.sleep(0.1)  # The server needs to notice the end of its connections.
    path("requests").write_text(server.seen.text())
    path("run").write_text(f"command\t{shlex.join(['ffmpeg', *words[1:]])}\n{ending}")
    server.shutdown()
    server.server_close()
    return f"{version}/{name}.{level}: {ending.split()[1]}"


def plan(options, origin_port):
    """Every job: version, scenario, level, words and folder."""
    url = f"http://127.0.0.1:{origin_port}/stream.m3u8"
    for entry in options.ffmpeg:
        version, _, ffmpeg = entry.partition("=")
        words = {v: command(options.program, ffmpeg, v, url) for v in ("all", "highest", "first")}
        for name, scenario in SCENARIOS.items():
            if options.scenario and name not in options.scenario:
                continue
            for level in LEVELS:
                if level == "datetime" and int(version.split(".")[0]) < DATETIME_FROM:
                    continue
                if options.level and level not in options.level:
                    continue
                yield version, name, level, words[scenario.variant], options.out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="ffmpeg-hls-swarm")
    parser.add_argument("--ffmpeg", action="append", required=True, metavar="VERSION=FILE")
    parser.add_argument("--muxer", default="ffmpeg", help="an FFmpeg with libx264")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--level", action="append", choices=LEVELS)
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    parser.add_argument("--at-once", type=int, default=8)
    options = parser.parse_args()
    origin, origin_port = start_origin(options.program)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            tls = make_certificate(folder)
            for name, scenario in SCENARIOS.items():
                if scenario.muxer:
                    make_media(options.muxer, folder / name, scenario.muxer)
            with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
                jobs = [pool.submit(capture, job, origin_port, tls, folder)
                        for job in plan(options, origin_port)]
                for done in concurrent.futures.as_completed(jobs):
                    print(done.result(), flush=True)
    finally:
        origin.terminate()
        origin.wait()


if __name__ == "__main__":
    main()
