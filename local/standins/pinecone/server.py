"""The stand-in itself: a server on loopback, its state, and its controls."""

import threading
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Self

from local.standins.openai.calls import CallLog
from local.standins.openai.faults import Faults, Latency
from local.standins.pinecone.app import Dispatcher, Effect, Route
from local.standins.pinecone.rates import UpdateRate
from local.standins.pinecone.vectors import Vector, Vectors
from local.standins.serving import HOST, Serving


class PineconeStandIn:
    """A Pinecone index on this machine, between ``start`` and ``stop`` or inside a ``with``.

    ``port`` 0 takes a free one. ``api_keys`` are the keys that are accepted; None accepts any.
    ``dimension`` None is decided by the first vector. ``faults``, ``latency`` and ``update_rate``
    say what is to happen, ``calls`` what did. What it holds stays when it stops.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        api_keys: Collection[str] | None = None,
        dimension: int | None = None,
    ) -> None:
        self._vectors = Vectors(dimension)
        self._rate = UpdateRate()
        routes = (
            _post("upsert", "/vectors/upsert", self._vectors.upsert),
            _post("update", "/vectors/update", self._update),
            _post("query", "/query", self._vectors.query),
            _post(
                "describe_index_stats", "/describe_index_stats", self._vectors.describe_index_stats
            ),
            Route(
                operation="fetch", method="GET", path="/vectors/fetch", effect=self._vectors.fetch
            ),
        )
        operations = [route.operation for route in routes]
        self.faults = Faults(operations)
        self.latency = Latency(operations)
        self.calls = CallLog()
        self.api_keys = None if api_keys is None else set(api_keys)
        stopping = threading.Event()
        dispatcher = Dispatcher(
            faults=self.faults,
            latency=self.latency,
            calls=self.calls,
            api_keys=self.api_keys,
            stopping=stopping,
        )
        self._serving = Serving("Pinecone stand-in", dispatcher.app(routes), port, stopping)

    def start(self) -> None:
        """Listen and serve in a thread; OSError if the port is taken."""
        self._serving.start()

    def stop(self) -> None:
        """Release whoever waits, close every connection, and wait for the threads' end."""
        self._serving.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def host(self) -> str:
        """What the SDK takes as ``host``."""
        return f"http://{HOST}:{self._serving.port}"

    @property
    def update_rate(self) -> int | None:
        """How many updates a second a namespace takes, before it answers 429; None for any."""
        return self._rate.limit

    @update_rate.setter
    def update_rate(self, limit: int | None) -> None:
        self._rate.limit = limit

    def vectors(self, namespace: str) -> Mapping[str, Vector]:
        """The vectors now held in a namespace, by id."""
        return self._vectors.of(namespace)

    def _update(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self._rate.take(body.get("namespace", ""))
        return self._vectors.update(body)


def _post(operation: str, path: str, effect: Effect) -> Route:
    return Route(operation=operation, method="POST", path=path, effect=effect)
