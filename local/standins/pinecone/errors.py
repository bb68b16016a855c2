"""Pinecone's errors as they look on the wire: ``{"code", "message", "details": []}``."""

from collections.abc import Mapping
from typing import Any

# ``code`` is gRPC's: https://grpc.io/docs/guides/status-codes/
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 409: 6, 413: 11, 429: 8, 503: 14, 504: 4}
_INTERNAL = 13


class PineconeError(Exception):
    """An answer with a status of 400 or more."""

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    def to_wire(self) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "code": _CODES.get(self.status, _INTERNAL),
            "message": self.message,
            "details": [],
        }


def invalid(message: str) -> PineconeError:
    """The request breaks a rule of the API."""
    return PineconeError(400, message)
