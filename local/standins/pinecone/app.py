"""The way of a request: who asks, what is to go wrong, the effect, the answer, the log."""

import contextlib
import json
import socket
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

import flask
from werkzeug.exceptions import HTTPException

from local.standins.openai.calls import Call, CallLog
from local.standins.openai.errors import DroppedConnectionError
from local.standins.openai.faults import Fault, Faults, Latency
from local.standins.openai.requests import ApiRequest
from local.standins.pinecone import checks
from local.standins.pinecone.errors import PineconeError, invalid

Effect = Callable[[Mapping[str, Any]], Mapping[str, Any]]

# What Pinecone says where a fault doesn't.
_USUAL = {
    401: "Invalid API Key",
    403: "Forbidden",
    429: "Too many requests",
    503: "The service is currently unavailable",
}


@dataclass(frozen=True, kw_only=True)
class Route:
    """An operation under its SDK name."""

    operation: str
    method: str
    path: str
    effect: Effect


@dataclass(kw_only=True)
class Dispatcher:
    """Takes every request to its effect. ``api_keys`` None accepts any key."""

    faults: Faults
    latency: Latency
    calls: CallLog
    api_keys: set[str] | None
    stopping: Event

    def app(self, routes: Sequence[Route]) -> flask.Flask:
        """The Flask app that serves ``routes``."""
        app = flask.Flask(__name__, static_folder=None)
        # Or a dropped connection would be answered with a 500.
        app.config["PROPAGATE_EXCEPTIONS"] = True
        for route in routes:
            app.add_url_rule(
                route.path,
                endpoint=route.operation,
                view_func=partial(self.handle, route),
                methods=[route.method],
            )
        app.register_error_handler(HTTPException, _unrouted)
        return app

    def handle(self, route: Route) -> flask.Response:
        """Answer Flask's current request, or drop its connection."""
        started, body = time.monotonic(), dict[str, Any]()
        record = partial(self._record, route.operation, started)
        try:
            self._authorise()
            body = _read_body()
            response = self._answer(route, body)
        except PineconeError as error:
            response = _error(error)
        except DroppedConnectionError:
            # Logged first: the client acts as soon as it sees the connection's end.
            record(None, body, "")
            _cut_connection()
            raise
        response.headers["x-pinecone-request-id"] = request_id = str(uuid.uuid4())
        record(response.status_code, body, request_id)
        return response

    def _authorise(self) -> None:
        key = flask.request.headers.get("Api-Key")
        if not key or (self.api_keys is not None and key not in self.api_keys):
            raise PineconeError(401, _USUAL[401])

    def _answer(self, route: Route, body: Mapping[str, Any]) -> flask.Response:
        method, path = flask.request.method, flask.request.path
        request = ApiRequest(operation=route.operation, method=method, path=path, body=body)
        fault = self.faults.take(request)
        self._wait(self.latency.get(route.operation, 0.0) + (fault.delay if fault else 0.0))
        if fault is None:
            return _json(200, route.effect(body))
        if fault.status is not None:
            raise _told(fault.status, fault)
        if fault.drop == "before":
            raise _dropped()
        response = _json(200, route.effect(body))
        if fault.drop == "after":
            raise _dropped()
        if fault.malformed:
            whole = response.get_data()
            response.set_data(whole[: len(whole) // 2])
        return response

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and self.stopping.wait(seconds):
            raise _dropped()

    def _record(
        self,
        operation: str,
        started: float,
        status: int | None,
        body: Mapping[str, Any],
        request_id: str,
    ) -> None:
        self.calls.record(
            Call(
                operation=operation,
                method=flask.request.method,
                path=flask.request.path,
                status=status,
                request_id=request_id,
                started=started,
                ended=time.monotonic(),
                body=body,
            )
        )


def _read_body() -> dict[str, Any]:
    """The JSON object of a request; of a fetch, what its URL says."""
    if flask.request.method == "GET":
        args = flask.request.args
        return {"ids": args.getlist("ids"), "namespace": args.get("namespace", "")}
    data = flask.request.get_data()
    if len(data) > checks.MOST_REQUEST_BYTES:
        raise PineconeError(413, "Request size exceeds the maximum supported size of 2MB")
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid("The request's body must be a JSON object")
    return body


def _told(status: int, fault: Fault) -> PineconeError:
    usual = "The request was refused" if status < 500 else "Internal error"
    headers = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
    return PineconeError(status, fault.message or _USUAL.get(status, usual), headers=headers)


def _unrouted(error: HTTPException) -> flask.Response:
    """Flask's own refusals, in the API's shape."""
    where = f"{flask.request.method} {flask.request.path}"
    return _error(PineconeError(error.code or 500, f"There is no {where}"))


def _error(error: PineconeError) -> flask.Response:
    response = _json(error.status, error.to_wire())
    response.headers.update(error.headers)
    return response


def _json(status: int, value: Mapping[str, Any]) -> flask.Response:
    return flask.Response(json.dumps(value), status=status, mimetype="application/json")


def _dropped() -> DroppedConnectionError:
    return DroppedConnectionError("the stand-in was told to drop this connection")


def _cut_connection() -> None:
    connection: socket.socket = flask.request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
