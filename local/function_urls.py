"""Function URLs: what is sent to one is handed to its function. moto only keeps them.

They are on the port of AWS, each below a path of its own that its function does not see. A request
becomes an event, and what the function returns a response, as in payload format 2.0:
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
"""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from werkzeug import Request, Response

from local.calls_made import REQUEST
from local.deployment import Deployment
from local.lambdas import Invocation
from local.resources.function_urls import PATH

Invoke = Callable[[str, Any], Invocation]
_URL = "aws:lambda/functionUrl:FunctionUrl"
_PERMISSION = "aws:lambda/permission:Permission"
# What AWS lets everybody do with a URL that asks for no authentication, if both are allowed.
_BOTH = {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MOST_BYTES = 6 * 1024 * 1024
_TEXT_TYPES = ("application/json", "application/javascript", "application/xml")


@contextmanager
def answering(functions: Mapping[str, str], invoke: Invoke) -> Iterator[None]:
    """While the block runs, requests to URLs are answered by what ``invoke`` makes of them.

    ``functions`` has the names of the functions that may be called, by the ids of their URLs.
    """

    def with_urls(original: Any) -> Any:
        def answer(self: Any, environ: dict[str, Any], start_response: Any) -> Any:
            if not environ["PATH_INFO"].startswith(PATH):
                return original(self, environ, start_response)
            return _respond(Request(environ), functions, invoke)(environ, start_response)

        return answer

    with REQUEST.replaced(with_urls):
        yield


def open_urls(deployment: Deployment) -> dict[str, str]:
    """The functions whose URLs everybody may call, by the ids of these URLs."""
    allowed: dict[str, set[str]] = {}
    for permission in deployment.of_type(_PERMISSION):
        given = permission.inputs
        if given["principal"] == "*":
            allowed.setdefault(given["function"], set()).add(given["action"])
    return {
        url.outputs["urlId"]: url.inputs["functionName"]
        for url in deployment.of_type(_URL)
        if allowed.get(url.inputs["functionName"], set()) >= _BOTH
    }


def _respond(request: Request, functions: Mapping[str, str], invoke: Invoke) -> Response:
    url_id, _, path = request.path.removeprefix(PATH).partition("/")
    if url_id not in functions:
        return _said(403, "Forbidden")
    if (request.content_length or 0) > _MOST_BYTES:
        return _said(413, "Request Too Long")
    answer = invoke(functions[url_id], _event(request, url_id, f"/{path}"))
    return _said(502, "Internal Server Error") if answer.failed else _response(answer.payload)


def _event(request: Request, url_id: str, path: str) -> dict[str, Any]:
    """The request as the function gets it; header names are in lower case."""
    body, is_text = request.get_data(), _is_text(request.mimetype)
    query = request.query_string.decode()
    now = time.time()
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        **({"queryStringParameters": request.args.to_dict()} if query else {}),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": url_id,
            "domainName": request.host,
            "domainPrefix": url_id,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
                "sourceIp": request.remote_addr,
                "userAgent": request.headers.get("User-Agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        **({"body": _text(body, is_text)} if body else {}),
        "isBase64Encoded": bool(body) and not is_text,
    }


def _is_text(mimetype: str) -> bool:
    return mimetype.startswith("text/") or mimetype in _TEXT_TYPES


def _text(body: bytes, is_text: bool) -> str:
    return body.decode(errors="replace") if is_text else base64.b64encode(body).decode()


def _response(payload: Any) -> Response:
    """What a function says to answer with; anything without a status is itself the body."""
    if not isinstance(payload, dict) or "statusCode" not in payload:
        body = payload if isinstance(payload, str) else json.dumps(payload)
        return Response(body, content_type="application/json")
    said = payload.get("body") or ""
    if payload.get("isBase64Encoded"):
        said = base64.b64decode(said)
    response = Response(said, status=payload["statusCode"], content_type="application/json")
    response.headers.update(payload.get("headers") or {})
    for cookie in payload.get("cookies") or ():
        response.headers.add("Set-Cookie", cookie)
    return response


def _said(status: int, message: str) -> Response:
    body = json.dumps({"Message": message})
    return Response(body, status=status, content_type="application/json")
