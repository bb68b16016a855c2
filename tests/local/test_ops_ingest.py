"""``ops ingest``, ``submit`` and ``poll`` on the deployed program: from files to analyses, and from
labels to verdicts."""

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.demo.labels.reading import read_label_table
from local.demo.labels.scenario import LABELS, RECEIPTS
from local.receipts.destination import Destination
from local.receipts.files import read_labels, read_receipts
from local.receipts.importing import import_receipts
from local.sample_web import SampleWeb
from local.stack import LocalStack, running
from local.standins.openai import BatchFile, BatchPlan, Fault, FileFailure
from local.up import endpoints
from ops import cli

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(200)]

CONFIG = {
    "completionSchedulesEnabled": "false",
    # Each invocation at the same time as another is a process more.
    "ingestMaxConcurrency": "2",
    "analysisMaxConcurrency": "2",
    "pineconeUpdatesPerSecond": "2000",
    "vectorStorePollMaxAttempts": "3",
}
PAGES = ("/press/frame-contract.txt", "/news/gripper-recall.html", "/blog/torque-sensors.md")
UNREADABLE, ENDLESS, DOOMED = "/reports/shareholder-letter.pdf", "/notes/harbour-tender.txt", "doom"


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with running(config=CONFIG) as up:
        yield up


@pytest.fixture(scope="module")
def web() -> Iterator[SampleWeb]:
    with SampleWeb() as site:
        yield site


@pytest.fixture(scope="module")
def outputs(stack: LocalStack, web: SampleWeb, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that `local up` would write."""
    file = tmp_path_factory.mktemp("up") / "outputs.json"
    file.write_text(json.dumps({**stack.aws.outputs, **endpoints(stack, web)}))
    return file


def documents(web: SampleWeb, *paths: str) -> list[dict[str, str]]:
    """One for each page, each for a company of its own."""
    return [
        {
            "url": web.url(path),
            "domain": f"company-{number}.example",
            "vectorStore": f"news{path}",
            "fallback": "What is known of it.",
            "industries": "Pumps; Valves",
        }
        for number, path in enumerate(paths)
    ]


def written(file: Path, rows: list[dict[str, str]]) -> Path:
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return file


def run(
    outputs: Path, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, dict[str, Any]]:
    """The exit code, and what was printed for a script."""
    capsys.readouterr()
    code = cli.main([*arguments, "--json", "--outputs", str(outputs)])
    printed = capsys.readouterr()
    return code, json.loads(printed.out or json.dumps({"error": printed.err}))


def test_documents_of_a_file_are_followed_to_their_analyses(
    stack: LocalStack,
    web: SampleWeb,
    outputs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = written(tmp_path / "documents.csv", documents(web, *PAGES))
    arguments = ["ingest", str(file), "--type", "news", "--watch", "--timeout", "60"]

    code, found = run(outputs, capsys, *arguments)

    assert code == 0, found
    assert [each["stage"] for each in found["documents"]] == ["analysed"] * 3
    runs = {each["batchId"] for each in found["documents"]}
    assert len(runs) == 3
    assert analysed(stack) == runs

    # The same again is ingested already, and uploads nothing.
    assert stack.standin is not None
    uploads = len(stack.standin.files)
    code, found = run(outputs, capsys, *arguments)
    assert code == 0, found
    assert [each["stage"] for each in found["documents"]] == ["already ingested"] * 3
    assert len(stack.standin.files) == uploads


def test_documents_that_go_wrong_are_told_with_their_reasons(
    stack: LocalStack,
    web: SampleWeb,
    outputs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    go_wrong(stack)
    paths = (
        *(UNREADABLE, ENDLESS, f"/press/third-quarter.txt?{DOOMED}", "/news/withdrawn.html"),
        "/newsroom/article-7",
    )
    file = written(tmp_path / "documents.csv", documents(web, *paths))

    code, found = run(
        outputs, capsys, "ingest", str(file), "--type", "news", "--watch", "--timeout", "90"
    )

    assert code == 1, found
    ends = [(each["stage"], each["reason"]) for each in found["documents"]]
    assert ends[0] == ("file failed", "server_error: An internal error occurred.")
    assert ends[1][0] == "dead letter"
    assert ends[1][1].startswith("PollTimeout: ")
    assert ends[2][0] == "dead letter"
    assert "The request was refused" in ends[2][1]
    assert ends[3][0] == "analysed"
    assert "404" in ends[3][1]
    assert ends[4][0] == "dead letter"
    assert ends[4][1].startswith("market analysis: ")


def go_wrong(stack: LocalStack) -> None:
    """A file cannot be indexed, a batch has no end, a store and an analysis are refused."""
    assert stack.standin is not None

    def is_at(path: str, file: BatchFile) -> bool:
        return str(file.attributes["url"]).endswith(path)

    unreadable = FileFailure(when=lambda file: is_at(UNREADABLE, file))
    stack.standin.plans.add(
        BatchPlan(failures=[unreadable], when=lambda files: is_at(UNREADABLE, files[0]))
    )
    stack.standin.plans.add(BatchPlan(polls=None, when=lambda files: is_at(ENDLESS, files[0])))
    stack.standin.faults.add(
        Fault(
            operation="vector_stores.create",
            status=400,
            times=None,
            when=lambda request: DOOMED in str(request.body),
        )
    )
    stack.standin.faults.add(
        Fault(
            operation="responses.create",
            status=400,
            times=None,
            when=lambda request: "company-4.example" in str(request.body),
        )
    )


def analysed(stack: LocalStack) -> set[str]:
    """The batches whose analyses are stored."""
    items = stack.aws.client("dynamodb").scan(TableName=stack.aws.outputs["analysesTableName"])
    return {
        item["batchId"]["S"]
        for item in items["Items"]
        if "#BATCH#" in item["sk"]["S"] and item["status"]["S"] == "DONE"
    }


def test_labels_are_submitted_and_polled_to_their_verdicts(
    stack: LocalStack, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = import_labels(stack, receipts=2)

    code, submitted = run(outputs, capsys, "submit")
    assert code == 0, submitted
    [batch] = submitted["batches"]
    assert (batch["requests"], batch["targets"]) == (2, labels)

    # The job is still under way when it is looked at first.
    for status in ("PENDING", "COMPLETED"):
        code, polled = run(outputs, capsys, "poll", "--batch", batch["openaiBatchId"])
        assert (code, polled["status"]) == (0, "SUCCEEDED"), polled
        [found] = polled["batches"]
        assert (found["batchId"], found["status"]) == (batch["batchId"], status)
    assert sum(found["outcomes"].values()) == labels
    destination = Destination.of(stack)
    seen = read_label_table(destination.dynamodb(), destination.label_table_name)
    judged = seen.statuses["VALID"] + seen.statuses["INVALID"] + seen.statuses["NEEDS_REVIEW"]
    assert judged == labels


def import_labels(stack: LocalStack, *, receipts: int) -> int:
    """So many of the sample receipts; how many labels they have."""
    every = read_receipts(RECEIPTS)
    chosen = every[:receipts]
    ids = {receipt.id for receipt in chosen}
    labels = [label for label in read_labels(LABELS, every) if label.receipt in ids]
    with stack.pinecone.index() as index:
        import_receipts(
            chosen,
            labels,
            table=Destination.of(stack).table(),
            index=index,
            namespace=stack.namespace,
            clock=time.time,
        )
    return len(labels)
