"""Each stage of a document, from what the functions write of it, by their own code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from functions.errors import AwsUnavailableError
from functions.messages import DownloadRequest
from ops.ingest import watching
from ops.ingest.documents import Document
from ops.ingest.stages import Entry, Progress, Rules, Stage
from ops.ingest.watching import Followed, Watcher, ledger_entries, watch
from ops.items import read_items
from ops.stack import Stack
from tests.ops.documents_under_way import DOCUMENT, REFRESH_SECONDS, Functions

RULES = Rules(download_receives=3, analysis_receives=3, refresh_after_seconds=REFRESH_SECONDS)
NEWS = Document("documents.csv:2", DownloadRequest.parse(dict(DOCUMENT)))
Steps = Callable[[Functions], object]


@pytest.fixture
def functions(stack: Stack) -> Functions:
    return Functions(stack)


def watcher(stack: Stack, *documents: Document, rules: Rules = RULES) -> Watcher:
    """Of documents whose messages are m-0, m-1 and so on."""
    before = ledger_entries(stack, documents)
    followed = [
        Followed(document=each, message_id=f"m-{number}", before=before.get(each.key))
        for number, each in enumerate(documents)
    ]
    return Watcher(stack, followed, rules)


def look_twice(seen: Watcher, document: Document = NEWS) -> Progress:
    """What is downstream is read of what the look before has found; a third changes nothing."""
    for _ in range(3):
        seen.look()
    return seen.progress[document.key]


def steps(*taken: Steps) -> Steps:
    return lambda functions: [step(functions) for step in taken]


def analyse_batch(functions: Functions) -> None:
    functions.end_run("SUCCEEDED", message_id="a-1")
    functions.analyse(NEWS)


def analysed(functions: Functions) -> None:
    functions.hand_over(NEWS)
    analyse_batch(functions)


def fallback(functions: Functions) -> None:
    functions.claim(NEWS)
    functions.upload(NEWS, reason="http-status: 404")


def claimed_and_given_up(functions: Functions) -> None:
    functions.claim(NEWS)
    functions.give_up(NEWS, "OpenAI is away")


def handed_over(functions: Functions) -> None:
    functions.hand_over(NEWS)


STAGES: Mapping[str, tuple[Steps, Stage, str]] = {
    "nothing yet": (steps(), Stage.QUEUED, ""),
    "claimed": (lambda f: f.claim(NEWS), Stage.DOWNLOADING, ""),
    "uploaded": (fallback, Stage.UPLOADED, ""),
    "given up": (claimed_and_given_up, Stage.QUEUED, ""),
    "a failed try": (
        lambda f: f.fail_delivery("m-0", 2, "OpenAI is away"),
        Stage.QUEUED,
        "try 2 of 3: OpenAI is away",
    ),
    "the last try": (
        lambda f: f.fail_delivery("m-0", 3, "OpenAI is away"),
        Stage.DEAD_LETTER,
        "OpenAI is away",
    ),
    "the last try after a claim": (
        steps(claimed_and_given_up, lambda f: f.fail_delivery("m-0", 3, "OpenAI is away")),
        Stage.DEAD_LETTER,
        "OpenAI is away",
    ),
    "the last try while another works on it": (
        steps(lambda f: f.claim(NEWS), lambda f: f.fail_delivery("m-0", 3, "held")),
        Stage.DOWNLOADING,
        "",
    ),
    "another document's dead letter": (
        lambda f: f.fail_delivery("m-9", 3, "OpenAI is away"),
        Stage.QUEUED,
        "",
    ),
    "handed over": (handed_over, Stage.INDEXING, ""),
    "handed over, and its execution cannot be seen yet": (
        lambda f: f.hand_over(NEWS, seen=False),
        Stage.INDEXING,
        "",
    ),
    "a fallback handed over": (
        steps(fallback, handed_over),
        Stage.INDEXING,
        "a fallback in its place: http-status: 404",
    ),
    "a failed try before it was handed over": (
        steps(lambda f: f.fail_delivery("m-0", 3, "held"), handed_over),
        Stage.INDEXING,
        "",
    ),
    "its file failed": (
        steps(handed_over, lambda f: f.fail_file(NEWS)),
        Stage.FILE_FAILED,
        "invalid_file: No text in it.",
    ),
    "its file failed in a batch that was analysed": (
        steps(analysed, lambda f: f.fail_file(NEWS)),
        Stage.FILE_FAILED,
        "invalid_file: No text in it.",
    ),
    "its file failed in an earlier batch": (
        steps(handed_over, lambda f: f.fail_file(NEWS, "vsfb_0")),
        Stage.INDEXING,
        "",
    ),
    "its execution failed": (
        steps(handed_over, lambda f: f.end_run("FAILED", error="PollTimeout")),
        Stage.DEAD_LETTER,
        "PollTimeout: it said so",
    ),
    "its execution was aborted": (
        steps(handed_over, lambda f: f.end_run("ABORTED")),
        Stage.DEAD_LETTER,
        "ABORTED",
    ),
    "its execution succeeded": (
        steps(handed_over, lambda f: f.end_run("SUCCEEDED", message_id="a-1")),
        Stage.ANALYSING,
        "",
    ),
    "its execution says nothing of a message": (
        steps(handed_over, lambda f: f.end_run("SUCCEEDED")),
        Stage.ANALYSING,
        "",
    ),
    "a failed try of its analysis": (
        steps(
            handed_over,
            lambda f: f.end_run("SUCCEEDED", message_id="a-1"),
            lambda f: f.fail_analysis("a-1", 1, "OpenAI is away"),
        ),
        Stage.ANALYSING,
        "try 1 of 3: OpenAI is away",
    ),
    "the last try of its analysis": (
        steps(
            handed_over,
            lambda f: f.end_run("SUCCEEDED", message_id="a-1"),
            lambda f: f.fail_analysis("a-1", 3, "OpenAI is away"),
        ),
        Stage.DEAD_LETTER,
        "market analysis: OpenAI is away",
    ),
    "analysed": (analysed, Stage.ANALYSED, ""),
    "a fallback analysed": (
        steps(fallback, analysed),
        Stage.ANALYSED,
        "a fallback in its place: http-status: 404",
    ),
    "analysed after a redrive": (
        steps(
            handed_over,
            lambda f: f.end_run("FAILED", error="PollTimeout"),
            lambda f: f.analyse(NEWS),
        ),
        Stage.ANALYSED,
        "",
    ),
}


@pytest.mark.parametrize("case", STAGES)
def test_a_stage_is_told_from_what_the_functions_have_written(
    stack: Stack, functions: Functions, case: str
) -> None:
    taken, stage, reason = STAGES[case]
    seen = watcher(stack, NEWS)
    taken(functions)
    assert look_twice(seen) == Progress(stage=stage, reason=reason)
    assert (NEWS.key in seen.open) is not stage.is_end


@pytest.mark.parametrize(
    ("taken", "stage"),
    [
        (analysed, Stage.ALREADY_INGESTED),
        (handed_over, Stage.INDEXING),
        (steps(handed_over, lambda f: f.fail_file(NEWS)), Stage.FILE_FAILED),
        (steps(handed_over, lambda f: f.end_run("FAILED")), Stage.DEAD_LETTER),
    ],
)
def test_a_document_that_had_come_before_is_where_it_had_come_to(
    stack: Stack, functions: Functions, taken: Steps, stage: Stage
) -> None:
    taken(functions)
    seen = watcher(stack, NEWS)
    seen.look()
    assert seen.progress[NEWS.key].stage == stage


def test_a_document_that_had_come_long_before_is_queued_until_it_is_ingested_afresh(
    stack: Stack, functions: Functions
) -> None:
    functions.now -= REFRESH_SECONDS + 60
    analysed(functions)
    seen = watcher(stack, NEWS)
    assert look_twice(seen).stage == Stage.QUEUED

    functions.now += REFRESH_SECONDS + 60
    functions.claim(NEWS)
    assert look_twice(seen).stage == Stage.DOWNLOADING
    functions.hand_over(NEWS, "vsfb_2")
    assert look_twice(seen).stage == Stage.INDEXING
    functions.end_run("SUCCEEDED", batch_id="vsfb_2")
    functions.analyse(NEWS, "vsfb_2")
    assert look_twice(seen).stage == Stage.ANALYSED


def test_what_cannot_be_read_is_as_if_it_was_not_there(stack: Stack) -> None:
    stack.ledger.put({"pk": f"REQUEST#{NEWS.key}", "sk": "REQUEST", "status": 7})
    seen = watcher(stack, NEWS)
    seen.look()
    assert seen.progress[NEWS.key].stage == Stage.QUEUED


def test_what_happens_between_two_reads_of_a_look_makes_no_failed_file_analysed(
    stack: Stack, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.hand_over(NEWS)
    seen = watcher(stack, NEWS)
    happening = [lambda: functions.fail_file(NEWS), lambda: analyse_batch(functions)]

    def read_then_let_it_happen(*given: Any) -> Any:
        found = read_items(*given)
        while happening:
            happening.pop(0)()
        return found

    monkeypatch.setattr(watching, "read_items", read_then_let_it_happen)
    seen.look()
    assert seen.progress[NEWS.key].stage == Stage.FILE_FAILED


def test_many_documents_are_read_a_hundred_items_a_call(stack: Stack, functions: Functions) -> None:
    documents = [
        Document(f"a:{n}", DownloadRequest.parse({**DOCUMENT, "requestId": str(n)}))
        for n in range(130)
    ]
    functions.hand_over(documents[-1])
    functions.fail_file(documents[-1])
    functions.fail_delivery("m-7", 3, "no")
    seen = watcher(stack, *documents)
    seen.look()
    assert len(seen.progress) == 130
    ended = {key: each.stage for key, each in seen.progress.items() if each.stage.is_end}
    assert ended == {documents[-1].key: Stage.FILE_FAILED, documents[7].key: Stage.DEAD_LETTER}


@pytest.mark.parametrize(
    ("ended", "remaining"), [(range(5), [3, 1, 0, 0]), (range(4, 5), [5, 5, 4, 4])]
)
def test_no_look_asks_for_more_executions_than_may_be_asked_for_and_each_has_its_turn(
    stack: Stack,
    functions: Functions,
    monkeypatch: pytest.MonkeyPatch,
    ended: range,
    remaining: list[int],
) -> None:
    monkeypatch.setattr(watching, "_RUNS_A_LOOK", 2)
    documents = [
        Document(f"a:{n}", DownloadRequest.parse({**DOCUMENT, "requestId": str(n)}))
        for n in range(5)
    ]
    for number, each in enumerate(documents):
        functions.hand_over(each, f"vsfb_{number}")
    for number in ended:
        functions.end_run("FAILED", batch_id=f"vsfb_{number}")
    seen = watcher(stack, *documents)
    found = []
    for _ in remaining:
        seen.look()
        found.append(len(seen.open))
    assert found == remaining


@dataclass
class Looks:
    """A watcher that ends, or fails to look, as its ``plan`` says."""

    plan: list[Any]
    looked: int = 0
    open: Mapping[str, object] | None = None

    def look(self) -> None:
        self.looked += 1
        outcome = self.plan.pop(0) if self.plan else {"a": 1}
        if isinstance(outcome, Exception):
            raise outcome
        self.open = outcome


class Clock:
    """Time passes where somebody waits."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return sum(self.pauses)


def watched(looks: Looks, timeout_seconds: float) -> list[float]:
    clock = Clock()
    fake: Any = looks
    watch(
        fake,
        lambda _seen: None,
        timeout_seconds=timeout_seconds,
        clock=clock,
        pause=clock.pauses.append,
    )
    return clock.pauses


def test_it_looks_less_and_less_often_until_all_have_ended() -> None:
    looks = Looks([{"a": 1}] * 20 + [{}])
    pauses = watched(looks, 1000)
    assert looks.looked == 21
    assert pauses[0] == 0.5
    assert pauses == sorted(pauses)
    assert pauses[-1] == 10


def test_it_looks_a_last_time_when_the_time_is_up() -> None:
    looks = Looks([])
    assert sum(watched(looks, 7)) == pytest.approx(7)
    assert looks.looked > 2


def test_that_aws_does_not_answer_for_a_while_ends_nothing() -> None:
    looks = Looks([{"a": 1}, AwsUnavailableError("away"), AwsUnavailableError("away"), {}])
    watched(looks, 1000)
    assert looks.looked == 4


def test_very_many_documents_are_looked_at_seldom() -> None:
    looks = Looks([dict.fromkeys(map(str, range(20_000)), 1), {}])
    assert watched(looks, 1000) == [40]


def test_an_entry_is_the_same_until_something_is_done_for_its_request() -> None:
    entry = Entry(status="HANDED_OVER", handedOverAt=5)
    assert entry.is_same_as(Entry(status="HANDED_OVER", handedOverAt=5, failure="whatever"))
    assert not entry.is_same_as(Entry(status="HANDED_OVER", handedOverAt=6))
    assert not entry.is_same_as(Entry(status="WORKING", handedOverAt=5))


def test_items_that_are_left_out_are_asked_for_again(stack: Stack) -> None:
    for name in "abc":
        stack.ledger.put({"pk": name, "sk": "REQUEST"})
    client: Any = boto3.client("dynamodb")

    class OneAtATime:
        calls = 0

        def batch_get_item(self, **call: Any) -> Any:
            self.calls += 1
            [(table, asked)] = call["RequestItems"].items()
            assert asked["ConsistentRead"]
            first, rest = asked["Keys"][:1], asked["Keys"][1:]
            answer = client.batch_get_item(RequestItems={table: {**asked, "Keys": first}})
            return {**answer, "UnprocessedKeys": {table: {**asked, "Keys": rest}} if rest else {}}

    slow = OneAtATime()
    found = read_items(slow, stack.ledger.name, [(name, "REQUEST") for name in "abcd"])
    assert [key[0] for key in found] == ["a", "b", "c"]
    assert slow.calls == 4
