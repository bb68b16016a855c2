"""Hosts that cannot be had: no address behind the name, no server behind it, or no TLS."""

from functions.errors import DownloadFailure
from tests.functions.clients.web_server import DEADLINE, redirect
from tests.functions.download_guard.cases import Refused
from tests.functions.download_guard.internet import DEAD, DEAD_V6

NO_NAME, NO_CONNECTION = DownloadFailure.UNRESOLVED_NAME, DownloadFailure.NO_CONNECTION
GONE = {"gone.test": [[DEAD]], "all.gone.test": [[DEAD_V6, DEAD]]}

CASES = [
    Refused(
        "a name without an address",
        "http://no.test/",
        NO_NAME,
        "no address",
        names={"no.test": [[]]},
    ),
    Refused("a dead address", "http://gone.test/", NO_CONNECTION, "gone.test", names=GONE),
    Refused(
        "only dead addresses", "http://all.gone.test/", NO_CONNECTION, "nobody listens", names=GONE
    ),
    Refused("a dead address in the URL", f"http://{DEAD}/", NO_CONNECTION, DEAD),
    Refused("a certificate of another name", "https://other.test/", NO_CONNECTION, "certificate"),
    Refused("a certificate of no address", "https://8.8.8.8/", NO_CONNECTION, "certificate"),
    Refused(
        "TLS where there is none",
        "https://public.test:80/",
        DownloadFailure.TIMEOUT,
        "timeout: ",
        limits={"timeout_seconds": DEADLINE},
    ),
    Refused(
        "a certificate of another name, in a redirect",
        "http://public.test/",
        NO_CONNECTION,
        "certificate",
        redirect("https://other.test/"),
    ),
]
