"""What each capture shows: how the server answers, and how long FFmpeg runs."""

from dataclasses import dataclass, field
from typing import Callable

from faulty import Answer

# Live streams have segments of a second: a fault at 4 s has a healthy start.
FAULT_FROM_SECS = 4
FAULT_UNTIL_SECS = 7


def healthy(request):
    return request.from_origin()


def status(code):
    reason = {404: "not here", 503: "not now"}[code]
    return Answer(code, f"{reason}\n".encode(), {"Content-Type": "text/plain"})


def live_close(request):
    answer = request.from_origin()
    answer.fate = "close"
    return answer


def master_404(_):
    return status(404)


def playlist_404(request):
    if request.playlist and request.elapsed >= FAULT_FROM_SECS:
        return status(404)
    return request.from_origin()


def playlist_503(request):
    if request.playlist and FAULT_FROM_SECS <= request.elapsed < FAULT_UNTIL_SECS:
        return status(503)
    return request.from_origin()


def segment_404(request):
    if request.segment and request.number % 3 == 0:
        return status(404)
    return request.from_origin()


def segment_404_all(request):
    return status(404) if request.segment else request.from_origin()


def segment_503(request):
    """Every third segment, the first time only: a retry succeeds."""
    if request.segment and request.number % 3 == 0 and request.count == 1:
        return status(503)
    return request.from_origin()


@dataclass
class Scenario:
    """How one capture is made."""

    answer: Callable = healthy
    path: str = "/stream.m3u8"
    # SIGTERM comes then, unless FFmpeg has ended.
    seconds: float = 8
    # Which renditions, as the program's own -variant has it.
    variant: str = "highest"
    # Served by TLS with a certificate of our own making.
    tls: bool = False
    # Trusted by SSL_CERT_FILE.
    trusted: bool = False
    # The URL's authority instead of the server's.
    authority: str = ""
    # Seconds at which the server dies and comes back.
    outage: tuple = ()
    # The versions for which it is made; empty is all.
    only: tuple = field(default=())


SCENARIOS = {
    "live": Scenario(seconds=12),
    "live_all": Scenario(seconds=12, variant="all"),
    "live_close": Scenario(answer=live_close),
    "vod": Scenario(path="/vod/stream.m3u8", seconds=30),
    "master_404": Scenario(answer=master_404),
    "playlist_404": Scenario(answer=playlist_404, seconds=12),
    "playlist_503": Scenario(answer=playlist_503, seconds=12),
    "segment_404": Scenario(answer=segment_404, seconds=10),
    "segment_404_all": Scenario(answer=segment_404_all),
    "segment_503": Scenario(answer=segment_503, seconds=10),
}
