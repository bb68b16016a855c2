"""``redrive``: what is chosen is put back, and nothing else is touched."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from moto.awslambda.models import LambdaBackend

from ops.cli import main
from ops.executions import Executions
from ops.letters.queues import DeadLetterQueue
from ops.stack import Stack
from tests.ops.conftest import RunCommand
from tests.ops.dead_letters import DOCUMENT, Post, batch, bodies, held

Calls = list[tuple[str, str, str]]


@pytest.fixture
def post(stack: Stack) -> Post:
    return Post(stack)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The functions that were called: name, kind of call, payload."""
    called: Calls = []

    def invoke(
        _: LambdaBackend, name: str, qualifier: object, body: Any, headers: Any, answer: object
    ) -> bytes:
        called.append((name, headers["X-Amz-Invocation-Type"], body))
        return b""

    monkeypatch.setattr(LambdaBackend, "invoke", invoke)
    return called


class Terminal(io.StringIO):
    """A person who has typed this."""

    def isatty(self) -> bool:
        return True


def left(post: Post, queue: DeadLetterQueue) -> list[str]:
    return bodies(queue.url(post.stack.outputs))


def test_without_letters_there_is_nothing_to_do(run: RunCommand) -> None:
    code, document = run("redrive", "--all")
    assert (code, document["groups"], document["left"]) == (0, [], 0)


@pytest.mark.parametrize("kind", ["document", "analysis"])
def test_a_message_goes_back_to_its_queue_as_it_was(run: RunCommand, post: Post, kind: str) -> None:
    queue, outputs = DeadLetterQueue.DOWNLOAD, post.stack.outputs
    url = outputs.download_queue_url
    body = json.dumps(DOCUMENT | {"note": "ümläut <&>"}, ensure_ascii=False)
    if kind == "document":
        post.document(body, reason="why", traced="id-1")
    else:
        queue, url = DeadLetterQueue.MARKET_ANALYSIS, outputs.market_analysis_queue_url
        post.analysis(reason="why")
        [body] = left(post, queue)
    code, document = run("redrive", "--all")
    assert (code, document["left"]) == (0, 0)
    assert left(post, queue) == []
    [message] = post.stack.client("sqs").receive_message(
        QueueUrl=url, MessageAttributeNames=["All"]
    )["Messages"]
    assert message["Body"] == body
    attributes = message.get("MessageAttributes", {})
    expected = {"traced": "id-1"} if kind == "document" else {}
    assert {name: value["StringValue"] for name, value in attributes.items()} == expected


def test_a_batch_that_timed_out_is_polled_again_under_the_next_name(
    run: RunCommand, post: Post
) -> None:
    post.ended("vsfb_1")
    post.ended("vsfb_1-r1")
    post.execution("vsfb_1-r1", of="vsfb_1")
    code, document = run("redrive", "--all")
    assert code == 0
    assert document["outcomes"][0]["what"] == "polled again by vsfb_1-r2"
    assert post.executions()["vsfb_1-r2"] == batch("vsfb_1")
    assert len(post.executions()) == 3
    assert left(post, DeadLetterQueue.VECTOR_STORE_BATCH) == []


def test_the_letters_of_two_executions_of_a_batch_start_one(run: RunCommand, post: Post) -> None:
    for name in ("vsfb_1", "vsfb_1-r1"):
        post.ended(name)
        post.execution(name, of="vsfb_1")
    code, document = run("redrive", "--all")
    assert code == 0
    assert [each["done"] for each in document["outcomes"]] == [True, True]
    assert post.executions().keys() == {"vsfb_1", "vsfb_1-r1", "vsfb_1-r2"}
    assert left(post, DeadLetterQueue.VECTOR_STORE_BATCH) == []


@pytest.mark.parametrize("running", ["vsfb_1", "vsfb_1-r1", "vsfb_1-r2"])
def test_no_second_execution_is_started_while_one_runs(
    run: RunCommand, post: Post, running: str
) -> None:
    for name in ("vsfb_1", "vsfb_1-r1", "vsfb_1-r2"):
        post.ended(name, "RUNNING" if name == running else "FAILED")
    post.execution()
    code, document = run("redrive", "--all")
    assert code == 1
    assert f"{running} polls this file batch now" in document["outcomes"][0]["what"]
    assert len(post.executions()) == 3
    assert len(left(post, DeadLetterQueue.VECTOR_STORE_BATCH)) == 2


def test_a_batch_that_has_come_to_its_end_since_needs_no_other_execution(
    run: RunCommand, post: Post
) -> None:
    post.ended("vsfb_1")
    post.ended("vsfb_1-r1", "SUCCEEDED")
    post.execution()
    assert run("redrive", "--all")[0] == 0
    assert len(post.executions()) == 2
    assert left(post, DeadLetterQueue.VECTOR_STORE_BATCH) == []


def test_a_name_that_somebody_takes_meanwhile_starts_nothing_and_keeps_the_letter(
    run: RunCommand, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.ended("vsfb_1")
    post.ended("vsfb_1-r1")
    post.execution()
    monkeypatch.setattr(Executions, "named", lambda *_: None)
    code, document = run("redrive", "--all")
    assert code == 1
    assert "vsfb_1-r1 was started by somebody else" in document["outcomes"][0]["what"]
    assert len(left(post, DeadLetterQueue.VECTOR_STORE_BATCH)) == 2


def test_an_input_that_the_letter_has_not_is_the_executions(run: RunCommand, post: Post) -> None:
    post.ended("vsfb_1")
    post.event("vsfb_1", status="TIMED_OUT", input=None)
    assert run("redrive", "--all")[0] == 0
    assert post.executions()["vsfb_1-r1"] == batch("vsfb_1")


def test_what_runs_on_a_schedule_runs_once_for_all_its_letters(
    run: RunCommand, post: Post, calls: Calls
) -> None:
    outputs, queue = post.stack.outputs, DeadLetterQueue.COMPLETION
    for _ in range(2):
        post.unstarted(queue, post.function("submit"))
        post.failed_call(queue, "submit", errorMessage="no")
        post.failed_call(queue, "reconcile", errorMessage="no")
        post.unstarted(queue, outputs.completion_poll_flow_arn)
        post.failed_call(DeadLetterQueue.FILE_SWEEP, "sweep", errorMessage="no")
    code, document = run("redrive", "--all")
    assert (code, len(document["outcomes"]), document["left"]) == (0, 10, 0)
    assert sorted(calls) == [(name, "Event", "{}") for name in ("reconcile", "submit", "sweep")]
    started = post.stack.client("stepfunctions").list_executions(
        stateMachineArn=outputs.completion_poll_flow_arn
    )["executions"]
    assert [each["name"].startswith("redrive-") for each in started] == [True]
    assert left(post, queue) == left(post, DeadLetterQueue.FILE_SWEEP) == []


def test_letters_that_it_cannot_help_stay_unless_they_are_named(
    run: RunCommand, post: Post
) -> None:
    wrong = post.document("no JSON")
    post.document()
    post.ended("vsfb_1")
    post.execution(error="BatchFailed")
    code, document = run("redrive", "--all")
    assert (code, len(document["outcomes"]), document["left"]) == (1, 1, 2)
    assert left(post, DeadLetterQueue.DOWNLOAD) == ["no JSON"]
    assert run("redrive", "--letter", wrong)[0] == 0
    assert "no JSON" in bodies(post.stack.outputs.download_queue_url)
    assert run("redrive", "--cause", "batchfailed")[0] == 0
    assert "vsfb_1-r1" in post.executions()


def test_a_letter_of_which_nothing_can_be_made_stays_whatever_is_chosen(
    run: RunCommand, post: Post
) -> None:
    id_ = post.send(DeadLetterQueue.COMPLETION, "no JSON")
    code, document = run("redrive", "--letter", id_)
    assert (code, document["outcomes"][0]["done"]) == (1, False)
    assert left(post, DeadLetterQueue.COMPLETION) == ["no JSON"]


def test_a_letter_whose_work_was_done_anew_is_deleted_when_it_is_named(
    run: RunCommand, post: Post
) -> None:
    post.ended("vsfb_1")
    post.execution(error="BatchFailed")
    wrong = post.document("no JSON")
    post.document()
    assert run("redrive", "--cause", "BatchFailed", "--discard")[0] == 0
    assert left(post, DeadLetterQueue.VECTOR_STORE_BATCH) == []
    assert post.executions().keys() == {"vsfb_1"}
    code, document = run("redrive", "--letter", wrong, "--discard")
    assert (code, document["outcomes"][0]["what"], document["left"]) == (0, "deleted", 1)
    assert left(post, DeadLetterQueue.DOWNLOAD) == [json.dumps(DOCUMENT)]
    assert bodies(post.stack.outputs.download_queue_url) == []


@pytest.mark.parametrize("more", [[], ["--all"], ["--all", "--yes"]])
def test_not_all_letters_are_deleted_at_once(
    outputs_file: Path, post: Post, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    post.document()
    assert main(["redrive", "--discard", *more, "--outputs", str(outputs_file)]) == 2
    assert "--discard wants to know which" in capsys.readouterr().err
    assert len(left(post, DeadLetterQueue.DOWNLOAD)) == 1


def test_one_that_fails_keeps_no_other_from_being_put_back(run: RunCommand, post: Post) -> None:
    post.ended("vsfb_1", "RUNNING")
    post.execution()
    post.document()
    post.analysis()
    code, document = run("redrive", "--all")
    assert code == 1
    assert [each["done"] for each in document["outcomes"]] == [True, False, True]
    assert len(bodies(post.stack.outputs.download_queue_url)) == 1
    assert len(bodies(post.stack.outputs.market_analysis_queue_url)) == 1


@pytest.mark.parametrize("choice", ["2", "ERROR CODE: 429"])
def test_a_cause_is_chosen_by_its_number_or_a_part_of_its_text(
    run: RunCommand, post: Post, choice: str
) -> None:
    post.document(DOCUMENT | {"url": "https://a.example/"}, reason="Error code: 400")
    post.document(DOCUMENT | {"url": "https://b.example/"}, reason="Error code: 429")
    code, document = run("redrive", "--cause", choice)
    assert (code, document["left"]) == (0, 1)
    [back] = bodies(post.stack.outputs.download_queue_url)
    assert "b.example" in back


@pytest.mark.parametrize("choice", [("--cause", "3"), ("--cause", "x"), ("--letter", "x")])
def test_what_is_not_there_cannot_be_chosen(
    outputs_file: Path, post: Post, capsys: pytest.CaptureFixture[str], choice: tuple[str, str]
) -> None:
    post.document()
    assert main(["redrive", *choice, "--outputs", str(outputs_file)]) == 2
    assert choice[1] in capsys.readouterr().err
    assert len(left(post, DeadLetterQueue.DOWNLOAD)) == 1


def test_a_dry_run_shows_what_would_be_put_back_and_does_nothing(
    run: RunCommand, post: Post
) -> None:
    id_ = post.document()
    post.document("no JSON")
    code, document = run("redrive", "--dry-run")
    assert (code, document["chosen"], document["outcomes"]) == (0, [id_], [])
    assert len(left(post, DeadLetterQueue.DOWNLOAD)) == 2
    assert bodies(post.stack.outputs.download_queue_url) == []


def test_without_a_choice_and_a_terminal_nothing_is_done(run: RunCommand, post: Post) -> None:
    post.document()
    code, document = run("redrive")
    assert (code, document["outcomes"], len(document["groups"])) == (1, [], 1)
    assert len(left(post, DeadLetterQueue.DOWNLOAD)) == 1
    assert held(DeadLetterQueue.DOWNLOAD.url(post.stack.outputs)) == 0


@pytest.mark.parametrize(
    ("arguments", "typed", "back"),
    [
        ([], "1\n", 1),
        ([], "all\n", 2),
        ([], "\n", 0),
        ([], "", 0),
        (["--all"], "y\n", 2),
        (["--all"], "\n", 0),
        (["--all", "--yes"], "", 2),
    ],
)
def test_on_a_terminal_a_person_is_asked(
    outputs_file: Path,
    post: Post,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    typed: str,
    back: int,
) -> None:
    post.document(reason="a")
    post.document(reason="b")
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    code = main(["redrive", *arguments, "--outputs", str(outputs_file)])
    assert "Dead letters by cause" in capsys.readouterr().out
    assert len(bodies(post.stack.outputs.download_queue_url)) == back
    assert code == (0 if back else 1)


def test_markup_and_control_characters_of_a_letter_are_shown_and_not_obeyed(
    outputs_file: Path, post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    post.document(
        DOCUMENT | {"url": "https://a.example/[red]x[/red]\x1b[1m"}, reason="\x1b[2J[bold]"
    )
    main(["redrive", "--dry-run", "--outputs", str(outputs_file)])
    shown = capsys.readouterr().out
    assert "[red]x[/red]" in shown
    assert "\x1b" not in shown


def test_one_queue_can_be_looked_into_alone(run: RunCommand, post: Post) -> None:
    post.document()
    post.analysis()
    code, document = run("redrive", "--all", "--queue", "download")
    assert (code, len(document["outcomes"])) == (0, 1)
    assert len(left(post, DeadLetterQueue.MARKET_ANALYSIS)) == 1


def test_all_is_not_all_while_the_limit_leaves_some(run: RunCommand, post: Post) -> None:
    for _ in range(3):
        post.document()
    code, document = run("redrive", "--all", "--limit", "2")
    assert (code, len(document["outcomes"]), document["left"]) == (1, 2, 1)
    assert run("redrive", "--all", "--limit", "2")[0] == 0
