"""A request as the rest of the stand-in sees it, read from Flask's once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import flask

from local.standins.openai.errors import invalid


@dataclass(frozen=True, kw_only=True)
class Upload:
    """The file in a multipart form."""

    filename: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """One call of the API.

    ``ids`` are the ids in the URL, by the names the SDK gives them (``vector_store_id``).
    ``body`` is the JSON object, or a form's fields with the upload's ``filename`` beside them.
    """

    operation: str
    method: str
    path: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    upload: Upload | None = None


def read_request(operation: str, ids: Mapping[str, str]) -> ApiRequest:
    """Read Flask's current request; ApiError 400 if its body is not a JSON object."""
    upload = _upload()
    body = (
        {**flask.request.form.to_dict(), **({"filename": upload.filename} if upload else {})}
        if flask.request.mimetype == "multipart/form-data"
        else _json_object(flask.request.get_data())
    )
    return ApiRequest(
        operation=operation,
        method=flask.request.method,
        path=flask.request.path,
        ids=dict(ids),
        query=flask.request.args.to_dict(),
        body=body,
        headers={name.lower(): value for name, value in flask.request.headers.items()},
        upload=upload,
    )


def _upload() -> Upload | None:
    part = flask.request.files.get("file")
    if part is None:
        return None
    return Upload(filename=part.filename or "upload", content=part.read())


def _json_object(data: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise invalid("We could not parse the JSON body of your request: expected a JSON object.")
    return value
