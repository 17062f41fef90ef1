"""What each capture shows: how the server answers, and how long FFmpeg runs.

The healthy ones pass on what the origin says. Those with a fault do so with one
rendition and without dates, to stay small.
"""

import re
from dataclasses import dataclass
from typing import Callable

from faulty import Answer

# Live streams have segments of a second: a fault at 4 s has a healthy start.
FAULT_FROM_SECS = 4
FAULT_UNTIL_SECS = 7
# A restarted packager counts from elsewhere.
SEQUENCE_STEP = 20
NO_NAME = "nonexistent.invalid"
# Discard never listens on a machine that runs tests.
CLOSED_PORT = "127.0.0.1:9"


def whole(request):
    return request.from_origin()


def plain(request, change=None):
    """The origin's answer with one rendition and without dates."""
    answer = request.from_origin()
    if request.master or request.playlist:
        lines = answer.body.decode().splitlines()
        if request.master:
            first = next(n for n, line in enumerate(lines) if line.endswith(".m3u8"))
            lines = lines[: first + 1]
        lines = [line for line in lines if not line.startswith("#EXT-X-PROGRAM-DATE-TIME")]
        text = "\n".join(lines) + "\n"
        answer.set_body((change(text) if change and request.playlist else text).encode())
    return answer


def status(code):
    reason = {404: "not here", 503: "not now"}[code]
    return Answer(code, f"{reason}\n".encode(), {"Content-Type": "text/plain"})


def cut(answer, fate):
    """Half of the body, then what `fate` says."""
    answer.send_bytes = len(answer.body) // 2
    answer.fate = fate
    return answer


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
    answer = plain(request)
    answer.fate = "close"
    return answer


def live_drop(request):
    """The server closes each connection after an answer that promised to keep it."""
    answer = plain(request)
    answer.fate = "drop"
    return answer


def live_ended(request):
    """The programme ends."""
    return plain(request, lambda text: text + "#EXT-X-ENDLIST\n" if faulty(request) else text)


def from_folder(request):
    return request.from_folder()


def redirect(request):
    """Each kind lives below a folder of its own; elsewhere the answer is where."""
    prefix = "/master" if request.master else "/lists" if request.playlist else "/media"
    tail = re.search(r"/(v\d+/)?[^/]+$", request.path)[0]
    if not request.path.startswith(prefix):
        return Answer(302, b"", {"Location": prefix + tail})
    request.path = tail
    return plain(request)


def master_404(_):
    return status(404)


def master_hang(_):
    return Answer(fate="hang")


def master_garbage(_):
    return Answer(200, b"<html><body>maintenance</body></html>\n", {"Content-Type": "text/html"})


def playlist_404(request):
    return status(404) if request.playlist and faulty(request) else plain(request)


def playlist_503(request):
    down = request.playlist and FAULT_FROM_SECS <= request.elapsed < FAULT_UNTIL_SECS
    return status(503) if down else plain(request)


def playlist_hang(request):
    return Answer(fate="hang") if request.playlist and faulty(request) else plain(request)


def playlist_truncated(request):
    answer = plain(request)
    return cut(answer, "truncated") if request.playlist and faulty(request) else answer


def segment_404(request):
    return status(404) if third(request) else plain(request)


def segment_404_all(request):
    return status(404) if request.segment else plain(request)


def segment_503(request):
    return status(503) if third(request) and request.count == 1 else plain(request)


def segment_hang(request):
    return Answer(fate="hang") if once(request) else plain(request)


def segment_stall(request):
    return cut(plain(request), "hang") if once(request) else plain(request)


def segment_reset(request):
    return cut(plain(request), "reset") if once(request) else plain(request)


def segment_truncated(request):
    return cut(plain(request), "truncated") if once(request) else plain(request)


def segment_html(request):
    """What is no media, with a status that says all is well."""
    answer = plain(request)
    if request.segment:
        answer.set_body(b"<html><body>moved</body></html>\n")
    return answer


def init_empty(request):
    answer = request.from_folder()
    if request.path.endswith("init.mp4"):
        answer.set_body(b"")
    return answer


def stale(request):
    """The playlist stays as it was when the fault began."""
    answer = plain(request)
    if request.playlist and faulty(request):
        answer.set_body(request.keep("stale", answer.body))
    return answer


def renumber(request, step):
    """From the fault on the same segments have other media sequence numbers."""

    def change(text):
        return re.sub(r"(SEQUENCE:)(\d+)", lambda m: m[1] + str(int(m[2]) + step), text)

    return plain(request, change if faulty(request) else None)


def sequence_back(request):
    return renumber(request, -SEQUENCE_STEP)


def sequence_ahead(request):
    return renumber(request, SEQUENCE_STEP)


@dataclass
class Scenario:
    """How one capture is made."""

    answer: Callable = plain
    path: str = "/stream.m3u8"
    # SIGTERM comes then, unless FFmpeg has ended.
    seconds: float = 8
    # Which renditions, as the program's own -variant has it.
    variant: str = "first"
    # Served by TLS with a certificate of our own making.
    tls: bool = False
    # The certificate is trusted (SSL_CERT_FILE).
    trusted: bool = False
    # The URL's authority instead of the server's.
    authority: str = ""
    # Seconds at which the server dies and comes back.
    outage: tuple = ()
    # Arguments of FFmpeg's HLS muxer for what `from_folder` serves.
    muxer: tuple = ()


FMP4 = ("-hls_segment_type", "fmp4")
AES = ("-hls_enc", "1", "-hls_enc_key_url", "key.bin")

SCENARIOS = {
    "live": Scenario(answer=whole, variant="highest", seconds=12),
    "live_all": Scenario(answer=whole, variant="all", seconds=12),
    "live_close": Scenario(answer=live_close),
    "live_drop": Scenario(answer=live_drop),
    "live_ended": Scenario(answer=live_ended, seconds=15),
    "vod": Scenario(path="/vod/stream.m3u8", seconds=30),
    "fmp4": Scenario(answer=from_folder, muxer=FMP4),
    "aes": Scenario(answer=from_folder, muxer=AES),
    "redirect": Scenario(answer=redirect),
    "tls": Scenario(tls=True, trusted=True),
    "tls_untrusted": Scenario(tls=True),
    "dns": Scenario(authority=NO_NAME),
    "refused": Scenario(authority=CLOSED_PORT, seconds=20),
    "outage": Scenario(outage=(4.2, 7), seconds=14),
    "master_404": Scenario(answer=master_404),
    "master_hang": Scenario(answer=master_hang, seconds=20),
    "master_garbage": Scenario(answer=master_garbage),
    "playlist_404": Scenario(answer=playlist_404, seconds=12),
    "playlist_503": Scenario(answer=playlist_503, seconds=12),
    "playlist_hang": Scenario(answer=playlist_hang, seconds=20),
    "playlist_truncated": Scenario(answer=playlist_truncated),
    "segment_404": Scenario(answer=segment_404, seconds=10),
    "segment_404_all": Scenario(answer=segment_404_all),
    "segment_503": Scenario(answer=segment_503),
    "segment_hang": Scenario(answer=segment_hang, seconds=11),
    "segment_stall": Scenario(answer=segment_stall, seconds=14),
    "segment_reset": Scenario(answer=segment_reset),
    "segment_truncated": Scenario(answer=segment_truncated),
    "segment_html": Scenario(answer=segment_html),
    "init_empty": Scenario(answer=init_empty, muxer=FMP4),
    "stale": Scenario(answer=stale, seconds=12),
    "sequence_back": Scenario(answer=sequence_back),
    "sequence_ahead": Scenario(answer=sequence_ahead),
}
