"""An SQS event from its deliveries to those that failed.

Documents are prepared side by side, then the groups are handed over side by side. Whatever goes
wrong with one document or one group fails its own deliveries and nobody else's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from functions.deliveries import Delivery, Failure, side_by_side
from functions.ingest.grouping import Prepared, group
from functions.ingest.handover import Handover
from functions.ingest.ledger import request_key
from functions.ingest.orders import Order, read_orders
from functions.ingest.preparation import Preparation
from functions.observability import about, logger


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """The ingest of one SQS event."""

    preparation: Preparation
    handover: Handover
    max_files: int

    def run(self, deliveries: Sequence[Delivery]) -> list[Failure]:
        """Ingest what the deliveries ask for; those that failed."""
        orders, failures = read_orders(deliveries)
        prepared: list[tuple[Order, Prepared]] = []
        outcomes = side_by_side(self._prepare, orders)
        for order, outcome in zip(orders, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                failures += order.failed(outcome)
            elif outcome is not None:
                prepared.append((order, outcome))
        return failures + self._hand_over(prepared)

    def _prepare(self, order: Order) -> Prepared | None:
        key = request_key(order.request)
        with about("document", message_id=order.message_ids, ledger_key=key):
            logger().info("document taken up", extra={"url": order.request.url})
            prepared = self.preparation.prepare(order.request)
            if prepared is None:
                logger().info("already handed over", extra={"url": order.request.url})
                return None
            return replace(prepared, requested_at=order.requested_at)

    def _hand_over(self, prepared: Sequence[tuple[Order, Prepared]]) -> list[Failure]:
        order_of = {each.claim.key: order for order, each in prepared}
        groups = group([each for _, each in prepared], max_files=self.max_files)
        outcomes = side_by_side(self.handover.hand_over, groups)
        return [
            failure
            for each, outcome in zip(groups, outcomes, strict=True)
            if isinstance(outcome, BaseException)
            for member in each.members
            for failure in order_of[member.claim.key].failed(outcome)
        ]
