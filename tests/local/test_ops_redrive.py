"""A file batch that took too long: seen, redriven, and analysed, with nothing uploaded again."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.sample_web import SampleWeb
from local.stack import LocalStack, running
from local.standins.openai import BatchPlan
from local.up import endpoints
from ops.cli import main
from ops.letters.queues import queue_counts

PATIENCE_SECONDS = 60
CREATE = "vector_stores.file_batches.create"
# Three checks, a second apart, are over before the batch is; three more are not.
CONFIG = {"vectorStorePollMaxAttempts": "2", "completionSchedulesEnabled": "false"}
POLLS = 4

pytestmark = pytest.mark.embedded


@contextmanager
def deployed(file: Path) -> Iterator[tuple[LocalStack, SampleWeb]]:
    """The program, up; its outputs are in ``file``."""
    with SampleWeb() as web, running(config=CONFIG) as stack:
        file.write_text(json.dumps({**stack.aws.outputs, **endpoints(stack, web)}))
        yield stack, web


def eventually(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return value


def test_a_poll_that_timed_out_is_redriven_to_its_analysis(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "outputs.json"

    def ops(*arguments: str) -> tuple[int, Any]:
        code = main([*arguments, "--json", "--outputs", str(file)])
        return code, json.loads(capsys.readouterr().out)

    with deployed(file) as (stack, web):
        assert stack.standin
        aws, outputs = stack.aws, stack.aws.outputs
        stack.standin.plans.add(BatchPlan(polls=POLLS))
        assert ops("status")[0] == 0
        message = {
            "domain": "bruckmoor.example",
            "url": web.url("/press/frame-contract.txt"),
            "fallback": "A frame contract.",
            "type": "news",
            "vectorStore": "news/bruckmoor.example",
        }
        aws.client("sqs").send_message(
            QueueUrl=outputs["downloadQueueUrl"], MessageBody=json.dumps(message)
        )
        letters = outputs["vectorStoreBatchFlowDeadLetterQueueUrl"]
        eventually(lambda: queue_counts(aws.client("sqs"), letters).total == 2)

        code, report = ops("status")
        assert code == 1
        [problem] = report["problems"]
        assert "PollTimeout: … is in_progress" in problem["what"]
        files, batches = set(stack.standin.files), stack.standin.calls.count(CREATE)
        assert (len(files), batches) == (1, 1)

        code, done = ops("redrive", "--all")
        assert (code, done["left"]) == (0, 0), done
        [outcome] = done["outcomes"]
        assert outcome["what"].endswith("-r1")

        def analyses() -> list[Any]:
            items = aws.client("dynamodb").scan(TableName=outputs["analysesTableName"])["Items"]
            return [item for item in items if item.get("status") == {"S": "DONE"}]

        [analysis] = eventually(analyses)
        assert outcome["about"].startswith(analysis["batchId"]["S"])
        assert set(stack.standin.files) == files
        assert stack.standin.calls.count(CREATE) == batches
        eventually(lambda: ops("status")[0] == 0)
