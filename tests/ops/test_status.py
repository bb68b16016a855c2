"""``status``: what is stuck or failed is seen, and what is not is not."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.stepfunctions.models import stepfunctions_backends

from functions.completions.batches import BatchSummary
from functions.completions.collection.job_statuses import LONGEST_JOB_SECONDS as AS_FUNCTIONS_SAY
from functions.completions.entities import iso
from functions.completions.vocabulary import BatchStatus
from ops.cli import main
from ops.letters.queues import DeadLetterQueue
from ops.stack import Stack
from ops.status.counting import count_up_to
from ops.status.labels import LONGEST_JOB_SECONDS
from tests.functions.completions.submission.submissions import label, put_all
from tests.functions.conftest import REGION
from tests.ops.conftest import RunCommand
from tests.ops.dead_letters import ACCOUNT, Post, bodies, held

NOW = time.time()
# So long may it be until the test's turn comes.
MARGIN = 6 * 3600
TIMED_OUT = "PollTimeout: vsfb_1 is in_progress: … of … files to go"


@pytest.fixture
def post(stack: Stack) -> Post:
    return Post(stack)


def summary(batch_id: str = "b-1", **more: Any) -> BatchSummary:
    return BatchSummary(
        **{
            "batch_id": batch_id,
            "status": BatchStatus.PENDING,
            "submitted_at": iso(NOW - 60),
            "model": "gpt-test",
            "targets_key": "batches/b-1/targets.jsonl",
            "target_count": 7,
            "request_count": 2,
            "prompt_tokens": 100,
            "openai_batch_id": "batch_1",
            **more,
        }
    )


def aged(name: str, seconds: float, machine: str) -> Any:
    """An execution of moto's, which started so long ago."""
    states = stepfunctions_backends[ACCOUNT][REGION]
    execution = states.describe_execution(
        f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
    )
    execution.start_date = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=seconds)
    return execution


def test_an_empty_stack_is_well(run: RunCommand) -> None:
    code, report = run("status")
    assert (code, report["well"], report["problems"]) == (0, True, [])
    assert report["documents"]["downloadQueue"] == {"waiting": 0, "inFlight": 0, "delayed": 0}


def test_what_is_under_way_is_shown_and_well(run: RunCommand, post: Post) -> None:
    stack = post.stack
    stack.client("sqs").send_message(QueueUrl=stack.outputs.download_queue_url, MessageBody="x")
    post.ended("vsfb_1", "RUNNING")
    put_all(stack.labels, [summary(), label(1), label(2, validation_status="NEEDS_REVIEW")])
    put_all(stack.labels, [label(3, validation_status="VALID", projection="1")])
    code, report = run("status")
    assert (code, report["problems"]) == (0, [])
    documents, labels = report["documents"], report["labels"]
    assert documents["downloadQueue"]["waiting"] == 1
    [polled] = documents["polled"]
    assert (polled["batchId"], polled["vectorStore"], polled["domain"], polled["overdue"]) == (
        "vsfb_1",
        "news/example.com",
        "example.com",
        False,
    )
    [open_batch] = labels["openBatches"]
    assert (open_batch["batchId"], open_batch["labels"]) == ("b-1", 7)
    assert open_batch["ageSeconds"] >= 60
    counts = {name: labels[name]["number"] for name in ("waiting", "needsReview", "unprojected")}
    assert counts == {"waiting": 1, "needsReview": 1, "unprojected": 1}
    assert labels["batches"]["PENDING"] == {"number": 1, "atLeast": False}


def test_an_execution_that_is_about_no_batch_is_shown_all_the_same(
    run: RunCommand, stack: Stack
) -> None:
    machine = stack.outputs.vector_store_batch_flow_arn
    stack.client("stepfunctions").start_execution(stateMachineArn=machine, name="x", input="[1]")
    code, report = run("status")
    assert code == 0
    [polled] = report["documents"]["polled"]
    assert (polled["execution"], polled["batchId"]) == ("x", "")


def test_dead_letters_are_told_by_cause_and_left_as_they_are(run: RunCommand, post: Post) -> None:
    post.document(reason="Error code: 429")
    post.document(reason="Error code: 429")
    post.execution()
    post.unstarted(DeadLetterQueue.COMPLETION, post.function("submit"))
    post.send(DeadLetterQueue.FILE_SWEEP, "no JSON")
    code, report = run("status")
    assert code == 1
    assert [(each["flow"], each["what"]) for each in report["problems"]] == [
        ("documents", "2 dead letters of download: Error code: 429"),
        ("documents", f"1 dead letter of vector-store-batch: {TIMED_OUT}"),
        ("documents", report["problems"][2]["what"]),
        ("labels", "1 dead letter of completion: submit: AccessDenied: Not now."),
    ]
    assert "1 dead letter of file-sweep: malformed" in report["problems"][2]["what"]
    assert report["problems"][0]["next"].startswith("python -m ops redrive --dry-run --outputs ")
    for queue, number in (("DOWNLOAD", 2), ("VECTOR_STORE_BATCH", 2), ("COMPLETION", 1)):
        url = DeadLetterQueue[queue].url(post.stack.outputs)
        assert (len(bodies(url)), held(url)) == (number, 0)


def test_letters_in_somebody_elses_hands_are_told_of(run: RunCommand, post: Post) -> None:
    post.document()
    post.stack.client("sqs").receive_message(
        QueueUrl=DeadLetterQueue.DOWNLOAD.url(post.stack.outputs)
    )
    code, report = run("status")
    assert code == 1
    assert [each["what"] for each in report["problems"]] == [
        "1 dead letter of download: in somebody else's hands now"
    ]


def test_an_execution_that_is_older_than_its_checks_could_take_is_overdue(
    run: RunCommand, post: Post
) -> None:
    # Three intervals of 10 seconds, and four checks of 30.
    machine = post.stack.outputs.vector_store_batch_flow_arn
    for name, seconds in (("vsfb_1", 140), ("vsfb_2", 160)):
        post.ended(name, "RUNNING", of=name)
        aged(name, seconds, machine)
    code, report = run("status")
    assert report["documents"]["pollWindowSeconds"] == 150
    overdue = {each["execution"]: each["overdue"] for each in report["documents"]["polled"]}
    assert overdue == {"vsfb_1": False, "vsfb_2": True}
    assert code == 1
    [problem] = report["problems"]
    assert "vsfb_2" in problem["what"]
    assert post.arn("vsfb_2") in problem["next"]


@pytest.mark.parametrize(
    ("more", "stuck"),
    [
        ({"submitted_at": iso(NOW - LONGEST_JOB_SECONDS + MARGIN)}, ""),
        ({"submitted_at": iso(NOW - LONGEST_JOB_SECONDS - MARGIN)}, "OpenAI has had it for 1 d"),
        ({"status": BatchStatus.SUBMITTING, "lease_until": int(NOW) + MARGIN}, ""),
        (
            {"status": BatchStatus.SUBMITTING, "lease_until": int(NOW) - MARGIN},
            "its submitter's lease ended",
        ),
        (
            {
                "status": BatchStatus.SUBMITTING,
                "lease_until": int(NOW) - MARGIN,
                "released_at": int(NOW),
            },
            "",
        ),
        ({"status": BatchStatus.COMPLETED, "submitted_at": iso(0)}, ""),
    ],
)
def test_a_batch_that_should_have_gone_on_is_stuck(
    run: RunCommand, stack: Stack, more: dict[str, Any], stuck: str
) -> None:
    put_all(stack.labels, [summary(**more)])
    code, report = run("status")
    assert code == (1 if stuck else 0)
    assert [stuck in each["what"] for each in report["problems"]] == ([True] if stuck else [])


def test_the_window_of_a_job_is_the_functions_own() -> None:
    assert LONGEST_JOB_SECONDS == AS_FUNCTIONS_SAY


def test_a_batch_that_cannot_be_read_is_told_of_and_hides_no_other(
    run: RunCommand, stack: Stack
) -> None:
    broken = {**summary("b-2").to_item(), "target_count": "many"}
    stack.labels.put(broken)
    put_all(stack.labels, [summary("b-1"), summary("b-3")])
    code, report = run("status")
    assert code == 1
    [problem] = report["problems"]
    assert "BATCH#b-2 STATUS" in problem["what"]
    assert "target_count" in problem["what"]
    assert len(report["labels"]["openBatches"]) == 2


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (["FAILED"], 1),
        (["FAILED", "SUCCEEDED"], 0),
        (["SUCCEEDED", "FAILED"], 1),
        (["FAILED", "RUNNING"], 1),
    ],
)
def test_the_last_run_that_ended_says_whether_polling_is_well(
    run: RunCommand, stack: Stack, ends: list[str], code: int
) -> None:
    machine = stack.outputs.completion_poll_flow_arn
    for n, status in enumerate(ends):
        stack.client("stepfunctions").start_execution(stateMachineArn=machine, name=f"run-{n}")
        execution = aged(f"run-{n}", 100 - n, machine)
        execution.status = status
        if status == "FAILED":
            execution.error, execution.cause = "BatchesLeft", "A batch could not be brought"
    found, report = run("status")
    assert found == code
    newest = report["labels"]["runs"][0]
    assert (newest["execution"], newest["status"]) == (f"run-{len(ends) - 1}", ends[-1])
    if code:
        [problem] = report["problems"]
        assert "BatchesLeft: A batch could not be brought" in problem["what"]
        assert problem["next"].startswith("python -m ops poll")


def test_the_ledger_says_what_is_not_handed_over_and_what_could_not_be_indexed(
    run: RunCommand, stack: Stack
) -> None:
    def entry(key: str, **more: object) -> None:
        stack.ledger.put(
            {"pk": f"REQUEST#{key}", "sk": "REQUEST", "url": f"https://{key}.example", **more}
        )

    failure = {"batchId": "vsfb_1", "code": "invalid_file", "message": "no text"}
    entry("a", status="WORKING", leaseUntil=int(NOW) + MARGIN)
    entry("b", status="WORKING", leaseUntil=0, failure="Error code: 500")
    entry("c", status="HANDED_OVER", batch={"batch_id": "vsfb_1"}, fileFailure=failure)
    entry("d", status="HANDED_OVER", batch={"batch_id": "vsfb_2"}, fileFailure=failure)
    stack.ledger.put({"pk": "STORE#news", "sk": "STORE"})
    code, report = run("status")
    ledger = report["documents"]["ledger"]
    assert code == 0
    assert (ledger["lookedAt"], ledger["whole"]) == (5, True)
    under_way = {each["url"]: (each["inHand"], each["failure"]) for each in ledger["underWay"]}
    assert under_way == {
        "https://a.example": (True, ""),
        "https://b.example": (False, "Error code: 500"),
    }
    assert ledger["failedFiles"] == ["https://c.example: invalid_file: no text"]


def test_nothing_is_counted_or_listed_beyond_the_limit(run: RunCommand, post: Post) -> None:
    stack = post.stack
    put_all(stack.labels, [label(n) for n in range(4)])
    put_all(stack.labels, [summary(f"b-{n}") for n in range(4)])
    for n in range(31):
        stack.ledger.put({"pk": f"STORE#{n}", "sk": "STORE"})
    for n in range(4):
        post.ended(f"vsfb_{n}", "RUNNING", of=f"vsfb_{n}")
        post.document()
    _, report = run("status", "--limit", "3")
    documents, labels = report["documents"], report["labels"]
    assert labels["waiting"] == {"number": 3, "atLeast": True}
    assert labels["batches"]["PENDING"] == {"number": 3, "atLeast": True}
    assert len(labels["openBatches"]) == 3
    assert (len(documents["polled"]), documents["morePolled"]) == (3, True)
    assert (documents["ledger"]["lookedAt"], documents["ledger"]["whole"]) == (30, False)
    [download] = [each for each in report["deadLetters"] if each["queue"] == "download"]
    assert download["beyondLimit"] == 1


@pytest.mark.parametrize(("there", "text", "left"), [(3, "3", 0), (4, "3+", 0), (10, "3+", 6)])
def test_counting_reads_one_beyond_the_limit_and_no_more(there: int, text: str, left: int) -> None:
    items = iter(range(there))
    assert str(count_up_to(3, items)) == text
    assert len(list(items)) == left


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_a_limit_is_a_number_of_at_least_one(outputs_file: Path, limit: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["status", "--limit", limit, "--outputs", str(outputs_file)])


def test_a_person_sees_at_a_glance_whether_all_is_well_and_what_to_type(
    outputs_file: Path, post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["status", "--outputs", str(outputs_file)]
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("All is well")
    post.document(reason="[red]\x1b[2J")
    post.ended("vsfb_1", "RUNNING")
    put_all(post.stack.labels, [summary(submitted_at=iso(0))])
    assert main(arguments) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("Not well: 2 to look at.")
    assert f"      python -m ops redrive --dry-run --outputs {outputs_file}\n" in shown
    assert f"      python -m ops poll --batch batch_1 --outputs {outputs_file}\n" in shown
    assert "[red]" in shown
    assert "\x1b" not in shown
    assert "news/example.com" in shown


def test_an_answer_that_cannot_be_had_ends_it_with_two(
    outputs_file: Path, stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.client("sqs").delete_queue(QueueUrl=stack.outputs.download_queue_url)
    assert main(["status", "--outputs", str(outputs_file)]) == 2
    assert "queue does not exist" in capsys.readouterr().err
