"""The way of a request: who asks, what is to go wrong, the effect, the answer, the log."""

import contextlib
import json
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

import flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from local.standins.openai.calls import Call, CallLog
from local.standins.openai.errors import ApiError, DroppedConnectionError, unauthorised
from local.standins.openai.faults import Fault, Faults, Latency
from local.standins.openai.records import new_id
from local.standins.openai.requests import ApiRequest, read_request
from local.standins.openai.routes import Reply, Route
from local.standins.openai.state import State


@dataclass(kw_only=True)
class Dispatcher:
    """Takes every request to its handler. ``api_keys`` None accepts any key."""

    state: State
    faults: Faults
    latency: Latency
    calls: CallLog
    api_keys: set[str] | None
    stopping: Event

    def app(self, routes: Iterable[Route]) -> flask.Flask:
        """The Flask app that serves ``routes`` below ``/v1``."""
        app = flask.Flask(__name__, static_folder=None)
        # Or a dropped connection would be answered with a 500.
        app.config["PROPAGATE_EXCEPTIONS"] = True
        for route in routes:
            app.add_url_rule(
                f"/v1{route.path}",
                endpoint=route.operation.replace(".", "-"),
                view_func=partial(self.handle, route),
                methods=[route.method],
            )
        app.register_error_handler(HTTPException, self._unrouted)
        return app

    def handle(self, route: Route, **ids: str) -> flask.Response:
        """Answer Flask's current request, or drop its connection."""
        started, request_id, body = time.monotonic(), new_id("req_"), {}
        record = partial(self._record, route.operation, request_id, started)
        try:
            self._authorise()
            request = read_request(route.operation, ids)
            body = dict(request.body)
            response = self._answer(route, request)
        except ApiError as error:
            response = _error(error)
        except DroppedConnectionError:
            # Logged first: the client acts as soon as it sees the connection's end.
            record(None, body)
            _cut_connection()
            raise
        response.headers["x-request-id"] = request_id
        record(response.status_code, body)
        return response

    def _authorise(self) -> None:
        scheme, _, key = flask.request.headers.get("Authorization", "").partition(" ")
        if (
            scheme != "Bearer"
            or not key
            or (self.api_keys is not None and key not in self.api_keys)
        ):
            raise unauthorised(key)

    def _answer(self, route: Route, request: ApiRequest) -> flask.Response:
        fault = self.faults.take(request)
        self._wait(self.latency.get(route.operation, 0.0) + (fault.delay if fault else 0.0))
        if fault is None:
            return self._effect(route, request)
        if (error := fault.error()) is not None:
            raise error
        if fault.drop == "before":
            raise _dropped()
        response = self._effect(route, request)
        if fault.drop == "after":
            raise _dropped()
        return _spoilt(response, fault)

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and self.stopping.wait(seconds):
            raise _dropped()

    def _effect(self, route: Route, request: ApiRequest) -> flask.Response:
        with self.state.lock:
            self.state.drop_expired_files()
            try:
                return _ok(route.handler(request))
            except ApiError as error:
                return _error(error)

    def _unrouted(self, error: HTTPException) -> flask.Response:
        """Flask's own refusals, in the API's shape."""
        where = f"{flask.request.method} {flask.request.path}"
        message = (
            f"Not allowed: {where}."
            if isinstance(error, MethodNotAllowed)
            else f"Invalid URL ({where})"
        )
        response, request_id = _error(ApiError(error.code or 500, message)), new_id("req_")
        response.headers["x-request-id"] = request_id
        self._record("unknown", request_id, time.monotonic(), response.status_code, {})
        return response

    def _record(
        self,
        operation: str,
        request_id: str,
        started: float,
        status: int | None,
        body: Mapping[str, Any],
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


def _ok(reply: Reply) -> flask.Response:
    if isinstance(reply, bytes):
        return flask.Response(reply, mimetype="application/octet-stream")
    return _json(200, reply.to_dict(mode="json"))


def _error(error: ApiError) -> flask.Response:
    response = _json(error.status, {"error": error.error.to_dict(mode="json")})
    response.headers.update(error.headers)
    return response


def _json(status: int, value: Mapping[str, Any]) -> flask.Response:
    return flask.Response(json.dumps(value), status=status, mimetype="application/json")


def _spoilt(response: flask.Response, fault: Fault) -> flask.Response:
    if fault.malformed:
        body = response.get_data()
        response.set_data(body[: len(body) // 2])
    return response


def _dropped() -> DroppedConnectionError:
    return DroppedConnectionError("the stand-in was told to drop this connection")


def _cut_connection() -> None:
    connection: socket.socket = flask.request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
