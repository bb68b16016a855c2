"""Who called what: each request that comes in, as the actions that AWS would look for in a role.

moto enforces no role's policies, so what a role lacks does not show by itself. Here it can be
asked: functions and schedules call under names of their own, which stand where AWS has an access
key id, and moto's state machines under one name for all.

An action and the resource that it is on are named as in
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import io
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from local.aws import ACCOUNT, CREDENTIALS
from local.seams import Seam

REQUEST = Seam(DomainDispatcherApplication, "__call__", ("self", "environ", "start_response"))
STATE_MACHINES = "ak"
"""The access key id of whatever moto's interpreter calls, for all machines."""

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_INVOCATION = re.compile(r"/2015-03-31/functions/(.+)/invocations")
_ACTION_OF_S3 = {
    "GET": "s3:GetObject",
    "HEAD": "s3:GetObject",
    "PUT": "s3:PutObject",
    "DELETE": "s3:DeleteObject",
}
_ACTION_IN_TRANSACTION = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
_UNKNOWN = "a resource that local/calls_made.py cannot name"

Needed = Iterable[tuple[str, str]]
"""Actions, each with its resource."""


@dataclass(frozen=True, kw_only=True, order=True)
class Call:
    """A call of ``caller``'s: the action, such as ``dynamodb:PutItem``, and the resource's ARN."""

    caller: str
    action: str
    resource: str


class CallsMade:
    """The different calls so far; any thread may note one or ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: set[Call] = set()

    def note(self, caller: str, needed: Needed) -> None:
        """Add a call for each action that a request needs."""
        calls = {Call(caller=caller, action=name, resource=arn) for name, arn in needed}
        with self._lock:
            self._calls |= calls

    def of(self, caller: str) -> frozenset[Call]:
        """What one caller has called."""
        with self._lock:
            return frozenset(call for call in self._calls if call.caller == caller)

    @property
    def callers(self) -> frozenset[str]:
        """Who has called anything."""
        with self._lock:
            return frozenset(call.caller for call in self._calls)


@dataclass(frozen=True, kw_only=True)
class _Request:
    """A request as it came in, without the calls of this package's own, which has no role."""

    caller: str
    region: str
    service: str
    operation: str
    method: str
    path: str
    query: str
    body: bytes

    def arn(self, resource: str) -> str:
        """Of a resource of the service's, in this account."""
        return f"arn:aws:{self.service}:{self.region}:{ACCOUNT}:{resource}"


@contextmanager
def noting(calls: CallsMade) -> Iterator[None]:
    """While the block runs, every request of a caller with a name of its own is noted."""

    def answering(original: Any) -> Any:
        def answer(self: Any, environ: dict[str, Any], start_response: Any) -> Any:
            request = _request(environ)
            if request is None:
                return original(self, environ, start_response)
            calls.note(request.caller, _needed(request))

            def start(status: str, *more: Any) -> Any:
                if status.startswith("404"):
                    calls.note(request.caller, _needed_to_see_nothing(request))
                return start_response(status, *more)

            return original(self, environ, start)

        return answer

    with REQUEST.replaced(answering):
        yield


def _request(environ: dict[str, Any]) -> _Request | None:
    credential = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if credential is None or credential[1] == CREDENTIALS["AWS_ACCESS_KEY_ID"]:
        return None
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    length = environ.get("CONTENT_LENGTH")
    body = b""
    if target and length:
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = io.BytesIO(body)
    return _Request(
        caller=credential[1],
        region=credential[2],
        service=credential[3],
        operation=target.rpartition(".")[2],
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""),
        body=body,
    )


def _needed(request: _Request) -> Needed:
    """What AWS would ask the caller's role for; a call that is not known here is on no ARN."""
    by_service = _NEEDED.get(request.service, _unknown)
    try:
        return list(by_service(request, json.loads(request.body or b"{}")))
    except (AttributeError, KeyError, TypeError, ValueError):
        # It names nothing, or is not what it should be, which is for moto to say.
        return list(_unknown(request, {}))


def _dynamodb(request: _Request, asked: Mapping[str, Any]) -> Needed:
    if "TransactItems" in asked:
        for part in asked["TransactItems"]:
            for kind, action in part.items():
                table = request.arn(f"table/{action['TableName']}")
                yield f"dynamodb:{_ACTION_IN_TRANSACTION[kind]}", table
    elif "RequestItems" in asked:
        for name in asked["RequestItems"]:
            yield f"dynamodb:{request.operation}", request.arn(f"table/{name}")
    else:
        index = f"/index/{asked['IndexName']}" if "IndexName" in asked else ""
        table = request.arn(f"table/{asked['TableName']}{index}")
        yield f"dynamodb:{request.operation}", table


def _s3(request: _Request, _asked: Mapping[str, Any]) -> Needed:
    bucket, _, key = request.path.lstrip("/").partition("/")
    # The SDKs say in a query of their own which operation it is, for those that know it already.
    subresources = [part for part in request.query.split("&") if part and part[:5] != "x-id="]
    if key and not subresources and request.method in _ACTION_OF_S3:
        yield _ACTION_OF_S3[request.method], f"arn:aws:s3:::{bucket}/{key}"
    elif not key and request.method == "GET" and "list-type=2" in subresources:
        yield "s3:ListBucket", f"arn:aws:s3:::{bucket}"
    else:
        yield f"s3:{request.method}", _UNKNOWN


def _needed_to_see_nothing(request: _Request) -> Needed:
    """S3 says 404 of an object to whoever may list its bucket, and to others 403."""
    if request.service != "s3":
        return []
    bucket = request.path.lstrip("/").partition("/")[0]
    return [("s3:ListBucket", f"arn:aws:s3:::{bucket}")]


def _sqs(request: _Request, asked: Mapping[str, Any]) -> Needed:
    queue = asked["QueueUrl"].rpartition("/")[2]
    yield f"sqs:{request.operation.removesuffix('Batch')}", request.arn(queue)


def _secretsmanager(request: _Request, asked: Mapping[str, Any]) -> Needed:
    yield f"secretsmanager:{request.operation}", asked["SecretId"]


def _states(request: _Request, asked: Mapping[str, Any]) -> Needed:
    arns = (asked[key] for key in ("stateMachineArn", "executionArn") if key in asked)
    yield f"states:{request.operation}", next(arns, _UNKNOWN)


def _lambda(request: _Request, _asked: Mapping[str, Any]) -> Needed:
    invocation = _INVOCATION.fullmatch(request.path)
    if invocation is None:
        return _unknown(request, _asked)
    name = invocation[1]
    arn = name if name.startswith("arn:") else request.arn(f"function:{name}")
    return [("lambda:InvokeFunction", arn)]


def _unknown(request: _Request, _asked: Mapping[str, Any]) -> Needed:
    yield f"{request.service}:{request.operation or request.method}", _UNKNOWN


_NEEDED: Mapping[str, Callable[[_Request, Mapping[str, Any]], Needed]] = {
    "dynamodb": _dynamodb,
    "lambda": _lambda,
    "s3": _s3,
    "secretsmanager": _secretsmanager,
    "sqs": _sqs,
    "states": _states,
}
