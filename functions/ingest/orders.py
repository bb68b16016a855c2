"""What an SQS event asks for: one order a request, however often its message came."""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.deliveries import Delivery, Failure
from functions.errors import InvalidMessageError
from functions.ingest.ledger import request_key
from functions.messages import DownloadRequest


@dataclass(frozen=True, kw_only=True)
class Order:
    """A request, and every delivery of this event that asks for it."""

    request: DownloadRequest
    deliveries: Sequence[Delivery]

    @property
    def requested_at(self) -> int | None:
        """When the oldest of its messages came, in Unix seconds."""
        times = [each.sent_at for each in self.deliveries if each.sent_at is not None]
        return min(times, default=None)

    @property
    def message_ids(self) -> str:
        """The ids of its messages, for log lines and traces."""
        return " ".join(each.message_id for each in self.deliveries)

    def failed(self, error: BaseException) -> list[Failure]:
        """Every delivery goes back to its queue."""
        return [Failure(delivery=delivery, error=error) for delivery in self.deliveries]


def read_orders(deliveries: Sequence[Delivery]) -> tuple[list[Order], list[Failure]]:
    """Parse the bodies; the failures are those that break the model."""
    orders: dict[str, Order] = {}
    failures: list[Failure] = []
    for delivery in deliveries:
        try:
            request = DownloadRequest.parse_json(delivery.body)
        except InvalidMessageError as error:
            failures.append(Failure(delivery=delivery, error=error))
            continue
        key = request_key(request)
        earlier = orders[key].deliveries if key in orders else ()
        orders[key] = Order(request=request, deliveries=[*earlier, delivery])
    return list(orders.values()), failures
