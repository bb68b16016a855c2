"""What the demo does with labels, and what goes wrong on the way."""

from dataclasses import replace
from pathlib import Path

from local.receipts.files import read_receipts
from local.standins.openai import AnswerPlan, JobPlan, LinePlan, OpenAIStandIn

_SAMPLES = Path(__file__).parents[2] / "sample_receipts"
RECEIPTS, LABELS = _SAMPLES / "receipts.jsonl", _SAMPLES / "labels.jsonl"
# Eight receipts: three jobs in the first round.
CONFIG = {"completionBatchMaxRequests": "3", "completionSchedulesEnabled": "false"}


def prepare(standin: OpenAIStandIn) -> None:
    """Have two requests get no answer at first, and the second job expire half-way."""
    # Of labels that are equally old, the first by name come first.
    ids = sorted(receipt.id.custom_id for receipt in read_receipts(RECEIPTS))
    for custom_id, plan in (
        (ids[1], LinePlan(status=500)),
        (ids[-1], LinePlan(answer=AnswerPlan(shape="refusal"))),
    ):
        standin.line_plans.add(replace(plan, times=1, when=custom_id.__eq__))
    standin.job_plans.add(JobPlan(times=1))
    standin.job_plans.add(JobPlan(in_progress=2, status="expired", answered=0.5, times=1))
