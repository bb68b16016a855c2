"""A budget on the embedded AWS: what is below it is sent and paid for, what is above it is not."""

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from local.demo.labels.scenario import LABELS, RECEIPTS
from local.receipts.destination import Destination
from local.receipts.files import read_labels, read_receipts
from local.receipts.importing import import_receipts
from local.sample_web import SampleWeb
from local.stack import LocalStack, running
from local.up import endpoints
from ops.cli import main

PATIENCE_SECONDS = 60
# More than the labels of one of the sample receipts cost by estimate, and less than all.
BUDGET = "0.02"
CONFIG = {"completionSchedulesEnabled": "false", "completionMaxCostUsd": BUDGET}

pytestmark = pytest.mark.embedded


def import_labels(stack: LocalStack, which: slice) -> int:
    """Import some of the sample receipts; how many labels they have."""
    all_receipts = read_receipts(RECEIPTS)
    receipts = all_receipts[which]
    ids = {receipt.id for receipt in receipts}
    labels = [each for each in read_labels(LABELS, all_receipts) if each.receipt in ids]
    table, namespace = Destination.of(stack).table(), stack.namespace
    import_receipts(receipts, labels, table=table, index=None, namespace=namespace, clock=time.time)
    return len(labels)


def submit(stack: LocalStack) -> dict[str, Any]:
    answer = stack.aws.invoke(stack.aws.outputs["submitCompletionBatchFunctionName"], {})
    assert not answer.failed, answer.payload
    return dict(answer.payload)


def poll(stack: LocalStack) -> None:
    """Run the poll flow once, to its end."""
    machines, machine = stack.aws.client("stepfunctions"), "completionPollFlowArn"
    arn = machines.start_execution(stateMachineArn=stack.aws.outputs[machine])["executionArn"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (status := machines.describe_execution(executionArn=arn)["status"]) == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert status == "SUCCEEDED"


def test_what_fits_the_budget_is_paid_for_and_what_does_not_is_only_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "outputs.json"

    def cost(*arguments: str) -> tuple[int, Any]:
        code = main(["cost", *arguments, "--json", "--outputs", str(file)])
        return code, json.loads(capsys.readouterr().out)

    with SampleWeb() as web, running(config=CONFIG) as stack:
        file.write_text(json.dumps({**stack.aws.outputs, **endpoints(stack, web)}))
        assert stack.standin is not None
        few = import_labels(stack, slice(1))
        code, plan = cost("--plan")
        assert (code, plan["wouldBeStopped"], plan["maxCostUsd"]) == (0, False, BUDGET)

        sent = submit(stack)

        planned = plan["lines"][0]["usd"]
        assert (sent["budget"]["spentUsd"], sent["waiting"]) == (planned, 0)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while lines := cost()[1]["underWay"]["lines"]:
            assert lines[0]["usd"] == planned
            assert time.monotonic() < deadline
            poll(stack)
        code, costs = cost()
        # CloudWatch has no metrics here: what AWS and documents cost is unknown, and not nothing.
        assert code == 1
        assert {line["usd"] for line in costs["aws"]["lines"]} == {None}
        [labels] = [line for line in costs["openai"]["lines"] if line["basis"] == "recorded"]
        assert labels["amount"].endswith(f"{few} labels in 1 batch")
        assert 0 < Decimal(labels["usd"]) < Decimal(planned)

        many = import_labels(stack, slice(1, None))
        stopped = submit(stack)

        budget = stopped["budget"]
        assert (stopped["batches"], budget["spentUsd"]) == ([], "0")
        assert stopped["waiting"] >= many  # corrections of the first ones wait too
        assert Decimal(budget["wouldCostUsd"]) > Decimal(BUDGET)
        assert stack.standin.calls.count("batches.create") == 1
        code, plan = cost("--plan")
        assert (code, plan["wouldBeStopped"]) == (0, True)
        assert plan["lines"][0]["usd"] == budget["wouldCostUsd"]
        assert plan["lines"][1]["note"] == f"as {few} labels have cost in these days"
