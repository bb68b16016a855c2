"""The demo, run as a person runs it."""

import json
import secrets
import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.local.commands import local
from tests.local.marked_keys import MarkedKeys
from tests.local.written_places import files

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(400)]

KEYS = {
    *("documents", "executions", "notifications", "analyses", "deadLetters", "seconds"),
    *("labels", "completionBatches", "auditRecords", "vectorsUpdated"),
}


def test_the_demo_accounts_for_everything_and_writes_no_key_of_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    keys = MarkedKeys(f"sk-proj-{secrets.token_urlsafe(24)}", f"pcsk_{secrets.token_urlsafe(24)}")
    for name, key in zip(("OPENAI_API_KEY", "PINECONE_API_KEY"), keys.keys, strict=True):
        monkeypatch.setenv(name, key)
    # Tests share the machine: the demo alone needs half of its own deadline.
    arguments = ["--report", str(tmp_path / "report.json"), "--deadline", "120"]
    output, showing_keys = None, set[str]()
    with local(scratch, "demo", *arguments) as process:
        while output is None:
            with suppress(subprocess.TimeoutExpired):
                output, _ = process.communicate(timeout=0.5)
            # What is temporary is gone in the end.
            showing_keys |= {name for name, found in files(scratch) if keys.found_in(found)}
    assert process.returncode == 0, output
    assert not showing_keys
    assert not keys.found_in(output.encode() + (tmp_path / "report.json").read_bytes())
    assert "Everything that was sent is accounted for." in output
    assert list(scratch.iterdir()) == []

    report = json.loads((tmp_path / "report.json").read_text())
    assert report.keys() >= KEYS
    assert report["problems"] == []
    assert report["seconds"] > 0

    documents = report["documents"]
    assert Counter(document["outcome"] for document in documents) == {
        "ingested": 10,
        "fallback": 4,
        "file failed": 1,
        "dead letter": 4,
    }
    assert all(document["reason"] for document in documents if document["outcome"] != "ingested")
    in_batches = [document for document in documents if document["batchId"]]
    assert len({document["fileId"] for document in in_batches}) == len(in_batches) == 17
    assert [len(document["messageIds"]) for document in documents].count(2) == 1

    # Each file batch has one execution; those that succeeded have one notification and analysis.
    executions = {execution["name"]: execution for execution in report["executions"]}
    assert executions.keys() == {document["batchId"] for document in in_batches}
    succeeded = {name for name, each in executions.items() if each["status"] == "SUCCEEDED"}
    assert sorted(each["batchId"] for each in report["notifications"]) == sorted(succeeded)
    assert sorted(each["batchId"] for each in report["analyses"]) == sorted(succeeded)

    # Two requesters share a vector store, and each has its own batch and notification.
    customers = {(d["vectorStoreId"], d["customerDomain"]): d["batchId"] for d in in_batches}
    assert len(customers) == len({store for store, _ in customers}) + 1

    timed_out = [each for each in executions.values() if each["reason"].startswith("PollTimeout")]
    assert [each["checks"] for each in timed_out] == [9]
    letters = Counter(letter["queue"] for letter in report["deadLetters"])
    assert letters["downloadDeadLetterQueue"] == 2
    assert letters["vectorStoreBatchFlowDeadLetterQueue"] == len(executions) - len(succeeded)
    assert letters.total() == 2 + len(executions) - len(succeeded)

    check_labels(report)


def check_labels(report: dict[str, Any]) -> None:
    """Every label was judged, or asked again until it was, and corrections in their turn."""
    rounds, batches = report["labels"]["rounds"], report["completionBatches"]
    imported = report["labels"]["imported"]
    assert rounds[0]["before"] == {**dict.fromkeys(rounds[0]["before"], 0), "NONE": imported}
    corrections = sum(batch["corrections"] for batch in batches)
    final = rounds[-1]["after"]
    assert (final["NONE"], final["PENDING"]) == (0, 0)
    assert sum(final.values()) == imported + corrections
    assert corrections > 5

    ends = ("valid", "invalid", "needsReview", "superseded", "unanswered")
    assert all(sum(b[end] for end in ends) == b["targets"] for b in batches)
    assert report["auditRecords"] == sum(batch["targets"] for batch in batches)
    assert report["vectorsUpdated"] == imported
    first = [batch for batch in batches if batch["round"] == 1]
    assert [batch["status"] for batch in first] == ["COMPLETED", "EXPIRED", "COMPLETED"]
    assert all(batch["unanswered"] for batch in first)


def test_a_demo_that_is_not_over_in_time_says_what_is_missing(tmp_path: Path) -> None:
    with local(tmp_path, "demo", "--deadline", "0.5") as process:
        output, _ = process.communicate(timeout=200)
    assert process.returncode == 1, output
    assert "Not as it should be" in output
    assert "unfinished: http://127.0.0.1:" in output
    assert list(tmp_path.iterdir()) == []
