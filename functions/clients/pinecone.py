"""The edge of Pinecone: the vectors of one namespace of an index.

https://docs.pinecone.io/reference/api/2026-07/data-plane
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TypeVar

import httpx
from pinecone import Index
from pinecone.errors import (
    ApiError,
    PineconeConnectionError,
    PineconeError,
    PineconeTimeoutError,
    ResponseParsingError,
    UnauthorizedError,
)

from functions.clients import calls
from functions.clients.secrets import Secret
from functions.errors import PineconeRejectedError, PineconeUnavailableError
from functions.excerpts import excerpt

T = TypeVar("T")

# They travel in the URL; Pinecone itself takes 1,000.
_IDS_A_FETCH = 100
_CONNECTIONS = 32
_SET_THE_KEY = "set it: pulumi config set --secret pineconeApiKey"


class VectorIndex:
    """Vectors by id, for any number of threads.

    The SDK makes up to four attempts of each call, which nothing can change: ``timeout_seconds``
    bounds one. Errors: PineconeUnavailableError, PineconeRejectedError.
    """

    def __init__(self, key: Secret, *, host: str, namespace: str, timeout_seconds: float) -> None:
        self._key = key
        self._host = host
        self._namespace = namespace
        self._timeout_seconds = timeout_seconds
        self._opening = Lock()
        self._opened: dict[str, Index] = {}
        """By key."""

    def existing(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids that have a vector."""
        found: set[str] = set()
        for start in range(0, len(ids), _IDS_A_FETCH):
            some = list(ids[start : start + _IDS_A_FETCH])
            found |= self._call(
                "fetch",
                lambda index, some=some: set(  # type: ignore[misc]
                    index.fetch(ids=some, namespace=self._namespace).vectors
                ),
            )
        return found

    def set_metadata(self, vector_id: str, metadata: Mapping[str, object]) -> None:
        """Set keys of a vector's metadata; the others stay. An unknown id changes nothing."""
        self._call(
            "update",
            lambda index: index.update(
                id=vector_id, set_metadata=metadata, namespace=self._namespace
            ),
        )

    def close(self) -> None:
        """Close its connections; no call may be under way."""
        with self._opening:
            while self._opened:
                self._opened.popitem()[1].close()

    def _call(self, operation: str, request: Callable[[Index], T]) -> T:
        name = f"pinecone.{operation}"
        with _translated():
            key = self._key.read()
            # The message may repeat the key: no later error may have it for a context.
            with suppress(UnauthorizedError):
                return self._with(key, name, request)
            # The key may have been rotated since it was read.
            return self._with(self._key.read(refused=key), name, request)

    def _with(self, key: str, name: str, request: Callable[[Index], T]) -> T:
        index = self._index(key)
        return calls.call(name, lambda: request(index))

    def _index(self, key: str) -> Index:
        """The client with that key."""
        with self._opening:
            # Those of other keys stay open: other threads may be waiting for their answers.
            if key not in self._opened:
                self._opened[key] = self._open(key)
            return self._opened[key]

    def _open(self, key: str) -> Index:
        return Index(
            host=self._host,
            api_key=key,
            timeout=self._timeout_seconds,
            connection_pool_maxsize=_CONNECTIONS,
        )


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the SDK's errors into ours."""
    try:
        yield
    except UnauthorizedError:
        # The message, or its cause, may repeat the key: neither may go on.
        raise PineconeRejectedError(f"Pinecone refused the API key; {_SET_THE_KEY}") from None
    except ApiError as error:
        passing = error.status_code in (408, 429) or error.status_code >= 500
        kind = PineconeUnavailableError if passing else PineconeRejectedError
        raise kind(excerpt(str(error))) from error
    except (
        PineconeTimeoutError,
        PineconeConnectionError,
        ResponseParsingError,
        httpx.HTTPError,  # a body that cannot be unpacked, which the SDK lets through
    ) as error:
        said = excerpt(f"{type(error).__name__}: {error}")
        raise PineconeUnavailableError(said) from error
    except PineconeError as error:
        # Nothing was sent: the SDK itself refuses the host, the key, or the arguments.
        raise PineconeRejectedError(str(error)) from error
