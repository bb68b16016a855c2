"""Requests to the embedded AWS that go wrong, on the wire or at the one who made them."""

import io
import json
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.calls_made import REQUEST
from local.embedded import EmbeddedAws
from local.standins.openai.rules import Rules

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")


@dataclass(frozen=True, kw_only=True)
class Request:
    """``operation`` is the API's name of it; of S3, which sends none, the HTTP method."""

    caller: str
    """A function's name, or ``calls_made.STATE_MACHINES``."""
    operation: str
    text: str
    """Its path and its body."""


@dataclass(frozen=True, kw_only=True)
class AwsFault:
    """What happens at the next request of a ``caller`` for an ``operation`` that names ``about``.

    ``before`` and ``after`` are called on either side of its effect, when its answer is not on
    the way yet. ``refusal`` is the code of an error that is answered; there is an effect then only
    if it is ``too_late``.
    """

    caller: str
    operation: str
    about: str = ""
    before: Callable[[], object] | None = None
    after: Callable[[], object] | None = None
    refusal: str | None = None
    too_late: bool = False
    times: int | None = 1

    def fits(self, subject: Request) -> bool:
        """Whether this fault is meant for the request."""
        return (
            subject.caller == self.caller
            and subject.operation == self.operation
            and self.about in subject.text
        )


class AwsFaults(Rules[AwsFault, Request]):
    """The faults in force."""

    @contextmanager
    def inflicted(self) -> Iterator[None]:
        """While the block runs, requests meet them."""

        def answering(original: Any) -> Any:
            def answer(self: Any, environ: dict[str, Any], start_response: Any) -> Any:
                fault = faults.take(_request(environ))
                if fault is None:
                    return original(self, environ, start_response)
                if fault.before:
                    fault.before()
                if fault.refusal:
                    if fault.too_late:
                        list(original(self, environ, lambda *_: None))
                    return _refused(fault.refusal, start_response)
                answered = list(original(self, environ, start_response))
                if fault.after:
                    fault.after()
                return answered

            return answer

        faults = self
        with REQUEST.replaced(answering):
            yield


def kill(aws: EmbeddedAws, function: str) -> None:
    """Kill the processes of a function, as when the machine under them goes away."""
    wanted = {
        f"AWS_LAMBDA_FUNCTION_NAME={function}".encode(),
        # Another embedded AWS may be up on this machine.
        f"AWS_ENDPOINT_URL={aws.endpoint_url}".encode(),
    }
    for process in Path("/proc").glob("[0-9]*"):
        # It may end by itself, or be somebody else's.
        with suppress(OSError):
            if wanted <= set((process / "environ").read_bytes().split(b"\0")):
                os.kill(int(process.name), signal.SIGKILL)


def _request(environ: Mapping[str, Any]) -> Request:
    credential = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    return Request(
        caller=credential[1] if credential else "",
        operation=target or environ["REQUEST_METHOD"],
        text=f"{environ['PATH_INFO']} {_body(environ) if target else ''}",
    )


def _body(environ: Any) -> str:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body.decode()


def _refused(code: str, start_response: Any) -> list[bytes]:
    start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.0")])
    return [json.dumps({"__type": code, "message": "as the test says"}).encode()]
