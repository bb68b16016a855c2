"""The places at which a part of moto is replaced while the embedded AWS is up.

moto is pinned exactly because of them. Each is declared beside the code that fills it, with the
parameters it had when that was written, so that another version of moto says so at once:

- ``calls_made.REQUEST``: every request is seen as it comes in, and those to functions' URLs are
  answered by ``function_urls.answering``;
- ``lambdas.INVOKE``: a function runs in a process of ours instead of in Docker;
- ``queues.RECEIVE`` and ``queues.DELETE``: a queue is used by one thread at a time;
- ``queues.RETAINED`` and ``queues.NOW``: a message takes no count of all the others;
- ``tables.CALL``: DynamoDB answers one call after another;
- ``tables.QUERY`` and ``tables.ITEMS``: a query looks at its own partition, and sorts quickly;
- ``tables.SERIALIZE``: a value of an item is answered as it is;
- ``tables.PARSE``: the text of an update is parsed once;
- ``tables.TRANSACTION``: a transaction copies the items that it touches, and no whole tables;
- ``executions.START``: an execution without a name gets one;
- ``executions.PARSE``: definitions are parsed one after another;
- ``events.STOP`` and ``events.TERMINATED``: the end of an execution becomes an event;
- ``map_runs.MAP_RUN``: a Distributed Map fails when one of its items does.

One more is no function: ``executions.ended_with`` replaces the ``time`` that moto's retrier sleeps
with, so that the pause between two tries ends when the embedded AWS does.
"""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast


class SeamError(RuntimeError):
    """moto is not the version that the embedded AWS was written for."""


@dataclass(frozen=True)
class Seam:
    """A function of moto's: what holds it, its name there, and the parameters it must have.

    ``owner`` may be a path, ``module:Class``, which is imported when it is first used: some of
    moto's modules read the developer's AWS settings as they are imported.
    """

    owner: Any
    name: str
    parameters: tuple[str, ...]

    def found(self) -> Any:
        """What is there now, if anything is."""
        return getattr(self._holder(), self.name, None)

    def original(self) -> Callable[..., Any]:
        """What is there now; SeamError if it does not look as expected."""
        found = self.found()
        parameters = tuple(inspect.signature(found).parameters) if callable(found) else ()
        if not callable(found) or parameters != self.parameters:
            raise SeamError(
                f"{self._holder().__name__}.{self.name} of moto takes {parameters}, not "
                f"{self.parameters}: see local/seams.py, and the version pinned in "
                "requirements-dev.in"
            )
        return cast("Callable[..., Any]", found)

    @contextmanager
    def replaced(self, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
        """Put ``make(original)`` in its place until the block ends."""
        original = self.original()
        setattr(self._holder(), self.name, make(original))
        try:
            yield
        finally:
            setattr(self._holder(), self.name, original)

    def _holder(self) -> Any:
        return pkgutil.resolve_name(self.owner) if isinstance(self.owner, str) else self.owner
