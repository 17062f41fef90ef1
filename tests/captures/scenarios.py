"""The scenario of each capture: how the server responds, and how long FFmpeg runs.

The healthy ones forward the responses of the origin. Those with a fault do so with one
rendition and without dates, to stay small.
"""

import re
from dataclasses import dataclass
from typing import Callable

from faulty import Response

# Live streams have segments of a second: a fault at 4 s follows a healthy start.
FAULT_FROM_SECS = 4
FAULT_UNTIL_SECS = 7
# A restarted packager has other sequence numbers.
SEQUENCE_STEP = 20
NO_NAME = "nonexistent.invalid"
# The discard service never listens on a machine that runs tests.
CLOSED_PORT = "127.0.0.1:9"


def whole(request):
    return request.from_origin()


def plain(request, change=None):
    """The origin's response with one rendition and without dates."""
    response = request.from_origin()
    if request.master or request.playlist:
        lines = response.body.decode().splitlines()
        if request.master:
            first = next(n for n, line in enumerate(lines) if line.endswith(".m3u8"))
            lines = lines[: first + 1]
        lines = [line for line in lines if not line.startswith("#EXT-X-PROGRAM-DATE-TIME")]
        text = "\n".join(lines) + "\n"
        response.set_body((change(text) if change and request.playlist else text).encode())
    return response


def status(code):
    reason = {404: "not here", 503: "not now"}[code]
    return Response(code, f"{reason}\n".encode(), {"Content-Type": "text/plain"})


def cut(response, fate):
    """Half of the body, then `fate`."""
    response.send_bytes = len(response.body) // 2
    response.fate = fate
    return response


def third(request):
    """Every third segment."""
    return request.segment and request.number % 3 == 0


def faulty(request):
    return request.elapsed >= FAULT_FROM_SECS


def once(request):
    """The first segment after a healthy start, the first time."""
    if not request.segment or not faulty(request):
        return False
    return request.keep("victim", request.path) == request.path and request.count == 1


def live_close(request):
    response = plain(request)
    response.fate = "close"
    return response


def live_drop(request):
    """The server closes each connection after a response that announced to keep it."""
    response = plain(request)
    response.fate = "drop"
    return response


def live_ended(request):
    """The programme ends."""
    return plain(request, lambda text: text + "#EXT-X-ENDLIST\n" if faulty(request) else text)


def from_folder(request):
    return request.from_folder()


def redirect(request):
    """Each kind has a folder of its own; other paths are redirected there."""
    prefix = "/master" if request.master else "/lists" if request.playlist else "/media"
    tail = re.search(r"/(v\d+/)?[^/]+$", request.path)[0]
    if not request.path.startswith(prefix):
        return Response(302, b"", {"Location": prefix + tail})
    request.path = tail
    return plain(request)


def master_404(_):
    return status(404)


def master_hang(_):
    return Response(fate="hang")


def master_garbage(_):
    return Response(200, b"<html><body>maintenance</body></html>\n", {"Content-Type": "text/html"})


def playlist_404(request):
    return status(404) if request.playlist and faulty(request) else plain(request)


def playlist_503(request):
    down = request.playlist and FAULT_FROM_SECS <= request.elapsed < FAULT_UNTIL_SECS
    return status(503) if down else plain(request)


def playlist_hang(request):
    return Response(fate="hang") if request.playlist and faulty(request) else plain(request)


def playlist_truncated(request):
    response = plain(request)
    return cut(response, "truncated") if request.playlist and faulty(request) else response


def segment_404(request):
    return status(404) if third(request) else plain(request)


def segment_404_all(request):
    return status(404) if request.segment else plain(request)


def segment_503(request):
    return status(503) if third(request) and request.count == 1 else plain(request)


def segment_hang(request):
    return Response(fate="hang") if once(request) else plain(request)


def segment_stall(request):
    return cut(plain(request), "hang") if once(request) else plain(request)


def segment_reset(request):
    return cut(plain(request), "reset") if once(request) else plain(request)


def segment_truncated(request):
    return cut(plain(request), "truncated") if once(request) else plain(request)


def segment_html(request):
    """A body that is not media, with status 200."""
    response = plain(request)
    if request.segment:
        response.set_body(b"<html><body>moved</body></html>\n")
    return response


def init_empty(request):
    response = request.from_folder()
    if request.path.endswith("init.mp4"):
        response.set_body(b"")
    return response


def stale(request):
    """The playlist is not updated after the start of the fault."""
    response = plain(request)
    if request.playlist and faulty(request):
        response.set_body(request.keep("stale", response.body))
    return response


def renumber(request, step):
    """From the fault on, the same segments have other media sequence numbers."""

    def change(text):
        return re.sub(r"(SEQUENCE:)(\d+)", lambda m: m[1] + str(int(m[2]) + step), text)

    return plain(request, change if faulty(request) else None)


def sequence_back(request):
    return renumber(request, -SEQUENCE_STEP)


def sequence_ahead(request):
    return renumber(request, SEQUENCE_STEP)


@dataclass
class Scenario:
    """The settings of one capture."""

    response: Callable = plain
    path: str = "/stream.m3u8"
    # Time of SIGTERM, unless FFmpeg has ended.
    seconds: float = 8
    # Renditions, as in the program's -variant.
    variant: str = "first"
    # Served by TLS with a self-signed certificate.
    tls: bool = False
    # The certificate is trusted (SSL_CERT_FILE).
    trusted: bool = False
    # The URL's authority instead of the server's.
    authority: str = ""
    # Seconds at which the server stops and returns.
    outage: tuple = ()
    # Arguments of FFmpeg's HLS muxer for the files of `from_folder`.
    muxer: tuple = ()


FMP4 = ("-hls_segment_type", "fmp4")
AES = ("-hls_enc", "1", "-hls_enc_key_url", "key.bin")

SCENARIOS = {
    "live": Scenario(response=whole, variant="highest", seconds=12),
    "live_all": Scenario(response=whole, variant="all", seconds=12),
    "live_close": Scenario(response=live_close),
    "live_drop": Scenario(response=live_drop),
    "live_ended": Scenario(response=live_ended, seconds=15),
    "vod": Scenario(path="/vod/stream.m3u8", seconds=30),
    "fmp4": Scenario(response=from_folder, muxer=FMP4),
    "aes": Scenario(response=from_folder, muxer=AES),
    "redirect": Scenario(response=redirect),
    "tls": Scenario(tls=True, trusted=True),
    "tls_untrusted": Scenario(tls=True),
    "dns": Scenario(authority=NO_NAME),
    "refused": Scenario(authority=CLOSED_PORT, seconds=20),
    "outage": Scenario(outage=(4.2, 7), seconds=14),
    "master_404": Scenario(response=master_404),
    "master_hang": Scenario(response=master_hang, seconds=20),
    "master_garbage": Scenario(response=master_garbage),
    "playlist_404": Scenario(response=playlist_404, seconds=12),
    "playlist_503": Scenario(response=playlist_503, seconds=12),
    "playlist_hang": Scenario(response=playlist_hang, seconds=20),
    "playlist_truncated": Scenario(response=playlist_truncated),
    "segment_404": Scenario(response=segment_404, seconds=10),
    "segment_404_all": Scenario(response=segment_404_all),
    "segment_503": Scenario(response=segment_503),
    "segment_hang": Scenario(response=segment_hang, seconds=11),
    "segment_stall": Scenario(response=segment_stall, seconds=14),
    "segment_reset": Scenario(response=segment_reset),
    "segment_truncated": Scenario(response=segment_truncated),
    "segment_html": Scenario(response=segment_html),
    "init_empty": Scenario(response=init_empty, muxer=FMP4),
    "stale": Scenario(response=stale, seconds=12),
    "sequence_back": Scenario(response=sequence_back),
    "sequence_ahead": Scenario(response=sequence_ahead),
}
