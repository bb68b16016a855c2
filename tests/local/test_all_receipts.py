"""All the receipts there are, of which a tenth is answered in every way that is of no use."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from functions.completions.entities import ReceiptWordLabel
from functions.completions.identifiers import ReceiptId
from functions.completions.vocabulary import Outcome, ValidationStatus
from local.standins.openai import AnswerPlan, LinePlan, half, left_out, twice
from tests.local.completion_flow import (
    NEEDS_RECEIPTS,
    a_second_run_changes_nothing,
    at_rest,
    deployed,
    eventually,
)

pytestmark = NEEDS_RECEIPTS


def spoils(other: ReceiptId) -> Sequence[LinePlan]:
    """Every way in which a line can be of no use."""

    def answering(**plan: Any) -> LinePlan:
        return LinePlan(answer=AnswerPlan(**plan))

    def each(change: Callable[[dict[str, Any]], dict[str, Any]]) -> LinePlan:
        return answering(results=lambda results: [change(result) for result in results])

    return (
        LinePlan(status=500),
        LinePlan(status=429),
        LinePlan(status=400),
        LinePlan(error="batch_expired"),
        LinePlan(error="server_error"),
        LinePlan(written=half),
        LinePlan(written=left_out),
        LinePlan(custom_id="IMAGE#garbled"),
        LinePlan(custom_id=other.custom_id.replace(other.image_id[:8], "00000000")),
        LinePlan(custom_id=other.custom_id),
        answering(shape="refusal"),
        answering(shape="incomplete"),
        answering(shape="empty"),
        answering(text="They all look right to me."),
        answering(results=lambda _: "none"),
        answering(results=lambda _: []),
        answering(results=lambda results: [*map(contradicted, results), *results]),
        each(lambda result: {**result, "is_valid": str(result["is_valid"]).lower()}),
        each(lambda result: {**result, "id": result["id"].replace("#WORD#", "#WORD#9")}),
        each(lambda result: {**result, "is_valid": False, "correct_label": "BARCODE"}),
    )


def contradicted(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "is_valid": not result["is_valid"], "correct_label": None}


def test_all_receipts_end_as_the_truth_says_though_a_tenth_of_the_answers_is_spoiled() -> None:
    with deployed() as flow:
        assert flow.stack.standin is not None
        receipts = flow.receipts
        plans = spoils(other=receipts[1])
        spoiled = receipts[5 :: len(receipts) // len(plans)][: len(plans)]
        for receipt, plan in zip(spoiled, plans, strict=True):
            flow.stack.standin.line_plans.add(_for(receipt, plan))
        # An answer that comes twice is an answer all the same.
        flow.stack.standin.line_plans.add(_for(receipts[2], LinePlan(written=twice)))

        flow.submit()
        eventually(lambda: flow.poll()["status"] == "SUCCEEDED" and not flow.under_way())

        snapshot = flow.look()
        asked_again = {label.id for label in snapshot.labels.values() if _was_asked_in_vain(label)}
        in_vain = {label for label in flow.truth if label.receipt in set(spoiled)}
        # Of two lines for one receipt the first counts, and a spoiled one has this receipt's name.
        claimed_twice = {label for label in flow.truth if label.receipt == receipts[1]}
        assert in_vain <= asked_again <= in_vain | claimed_twice
        [batch] = snapshot.batches
        assert batch.outcomes[Outcome.UNANSWERED] == len(asked_again)
        assert sum(batch.outcomes.values()) == batch.target_count == len(flow.truth)
        assert batch.lines_without_answer == 5

        flow.rounds().run()

        snapshot = flow.look()
        at_rest(flow, snapshot)
        assert len(flow.truth) == 5479
        asked = Counter(result.id for result in snapshot.results)
        assert asked == {label: 1 + (label in asked_again) for label in snapshot.labels}
        a_second_run_changes_nothing(flow)


def _for(receipt: ReceiptId, plan: LinePlan) -> LinePlan:
    """The plan for one line of this receipt."""
    wanted = receipt.custom_id
    return LinePlan(
        **{**vars(plan), "times": 1, "when": lambda custom_id: bool(custom_id == wanted)}
    )


def _was_asked_in_vain(label: ReceiptWordLabel) -> bool:
    return label.validation_status == ValidationStatus.NONE and label.attempts == 1
