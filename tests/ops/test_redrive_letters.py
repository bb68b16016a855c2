"""What dead letters of every kind are read as."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.letters.causes import cause_of
from ops.letters.execution_letters import read_execution_letter
from ops.letters.letters import InvokeAgain, Letter, PollAgain, StartAgain
from ops.letters.looking import groups_of, looking
from ops.letters.queues import DeadLetterQueue
from ops.letters.reading import NO_REASON
from ops.stack import Stack
from tests.ops.dead_letters import DOCUMENT, Post, batch, held

Read = Callable[..., list[Letter]]


@pytest.fixture
def post(stack: Stack) -> Post:
    return Post(stack)


@pytest.fixture
def read(stack: Stack) -> Read:
    """The letters of a queue, as a command sees them."""

    def letters(queue: DeadLetterQueue, most: int = 100) -> list[Letter]:
        with looking(stack, [queue], most=most, hold_seconds=60) as [look]:
            return list(look.letters)

    return letters


def test_a_documents_letter_has_its_url_and_what_the_function_recorded(
    post: Post, read: Read
) -> None:
    post.document(reason="OpenAI is not there")
    [letter] = read(DeadLetterQueue.DOWNLOAD)
    assert (letter.about, letter.reason) == (DOCUMENT["url"], "OpenAI is not there")
    assert letter.remedy == ""


def test_a_letter_without_a_recorded_reason_says_so(post: Post, read: Read) -> None:
    post.document()
    post.analysis()
    [document], [analysis] = read(DeadLetterQueue.DOWNLOAD), read(DeadLetterQueue.MARKET_ANALYSIS)
    assert document.reason == analysis.reason == NO_REASON


def test_an_analysis_letter_has_its_domains_and_what_the_function_recorded(
    post: Post, read: Read
) -> None:
    post.analysis(reason="the answer is empty")
    [letter] = read(DeadLetterQueue.MARKET_ANALYSIS)
    assert letter.about == "example.com for customer.example"
    assert letter.reason == "the answer is empty"


def test_two_letters_of_an_execution_are_one_with_its_reason(post: Post, read: Read) -> None:
    ids = post.execution("vsfb_1-r1", of="vsfb_1")
    [letter] = read(DeadLetterQueue.VECTOR_STORE_BATCH)
    assert {message.message_id for message in letter.messages} == set(ids)
    assert letter.reason == "PollTimeout: vsfb_1 is in_progress: 1 of 2 files to go"
    assert letter.about == "vsfb_1 of news/example.com"
    assert letter.work == PollAgain(execution_arn=post.arn("vsfb_1-r1"), input=batch())
    assert letter.remedy == ""


def test_an_execution_past_every_catch_has_one_letter_that_says_how_it_ended(
    post: Post, read: Read
) -> None:
    post.event("vsfb_1", status="TIMED_OUT")
    [letter] = read(DeadLetterQueue.VECTOR_STORE_BATCH)
    assert letter.reason == "TIMED_OUT"
    assert letter.work == PollAgain(execution_arn=post.arn("vsfb_1"), input=batch())


def test_an_event_without_room_for_the_input_is_still_a_letter(post: Post, read: Read) -> None:
    post.event("vsfb_1", status="TIMED_OUT", input=None)
    [letter] = read(DeadLetterQueue.VECTOR_STORE_BATCH)
    assert letter.work == PollAgain(execution_arn=post.arn("vsfb_1"), input=None)
    assert letter.about == "vsfb_1"


def test_what_one_of_two_letters_has_not_the_other_may_have(post: Post, read: Read) -> None:
    post.event("vsfb_1", input=None)
    post.own("vsfb_1")
    post.event("vsfb_1", input=None)
    [letter] = read(DeadLetterQueue.VECTOR_STORE_BATCH)
    assert letter.work == PollAgain(execution_arn=post.arn("vsfb_1"), input=batch())
    assert letter.about == "vsfb_1 of news/example.com"


def test_a_batch_that_failed_for_good_says_that_its_documents_are_to_be_sent_again(
    post: Post, read: Read
) -> None:
    post.execution(error="BatchFailed")
    [letter] = read(DeadLetterQueue.VECTOR_STORE_BATCH)
    assert "python -m ops ingest" in letter.remedy


def test_letters_of_schedules_say_what_did_not_run_and_why(post: Post, read: Read) -> None:
    outputs = post.stack.outputs
    queue = DeadLetterQueue.COMPLETION
    post.unstarted(queue, outputs.completion_poll_flow_arn)
    post.unstarted(queue, post.function("submit"))
    post.failed_call(queue, "reconcile", errorType="OpenAIUnavailableError", errorMessage="503")
    post.failed_call(queue, "submit")
    letters = {letter.reason: letter.work for letter in read(queue)}
    assert letters == {
        "CompletionPollFlow: AccessDenied: Not now.": StartAgain(
            machine_arn=outputs.completion_poll_flow_arn
        ),
        "submit: AccessDenied: Not now.": InvokeAgain(function_name="submit"),
        "reconcile: OpenAIUnavailableError: 503": InvokeAgain(function_name="reconcile"),
        "submit: RetriesExhausted": InvokeAgain(function_name="submit"),
    }


@pytest.mark.parametrize(
    ("queue", "body", "reason"),
    [
        (DeadLetterQueue.DOWNLOAD, "no JSON", "malformed: DownloadRequest: body"),
        (DeadLetterQueue.DOWNLOAD, DOCUMENT | {"url": 1}, "malformed: DownloadRequest: url"),
        (DeadLetterQueue.MARKET_ANALYSIS, {}, "malformed: MarketAnalysisRequest: domain"),
        (DeadLetterQueue.VECTOR_STORE_BATCH, "no JSON", "malformed: it is no JSON"),
        (DeadLetterQueue.VECTOR_STORE_BATCH, [1], "malformed: StateMachineLetter: body"),
        (DeadLetterQueue.VECTOR_STORE_BATCH, {"detail": 1}, "malformed: ExecutionEvent: detail"),
        (
            DeadLetterQueue.VECTOR_STORE_BATCH,
            {"executionArn": "arn:1", "input": {}, "error": "x", "cause": "y"},
            "malformed: FileBatchRef: vectorStoreId",
        ),
        (
            DeadLetterQueue.VECTOR_STORE_BATCH,
            {"detail": {"executionArn": "arn:1", "input": "[1]"}},
            "malformed: the execution's input is no object",
        ),
        (DeadLetterQueue.FILE_SWEEP, "no JSON", "malformed: InvocationRecord: body"),
        (
            DeadLetterQueue.COMPLETION,
            {"requestContext": {"functionArn": "arn:aws:lambda:x:1:function:other"}},
            "is nothing that this stack runs on a schedule",
        ),
    ],
)
def test_a_malformed_letter_has_a_cause_of_its_own_and_keeps_no_other_from_being_read(
    post: Post, read: Read, queue: DeadLetterQueue, body: object, reason: str
) -> None:
    id_ = post.send(queue, body)
    post.execution()
    post.document()
    post.analysis()
    [letter] = [letter for letter in read(queue) if letter.id == id_]
    assert reason in letter.reason
    assert letter.remedy


@given(st.text() | st.binary().map(repr))
def test_no_text_is_too_odd_for_a_letter(body: str) -> None:
    try:
        read_execution_letter(body)
    except Exception as error:  # noqa: BLE001 the point is that there is one kind alone
        assert type(error).__name__ == "InvalidMessageError"  # noqa: PT017 see above


def test_letters_that_differ_in_ids_and_numbers_alone_have_one_cause(
    post: Post, stack: Stack
) -> None:
    for n in (1, 2, 3):
        post.execution(f"vsfb_{n}abcdef0", of=f"vsfb_{n}abcdef0")
    post.document(reason="http-status: status 404 of https://example.com/a")
    post.document(reason="http-status: status 404 of https://example.com/b")
    post.document(reason="http-status: status 403 of https://example.com/b")
    with looking(stack, list(DeadLetterQueue), most=100, hold_seconds=60) as looks:
        groups = groups_of(looks)
    assert [(n, group.cause, group.count) for n, (group, _) in groups.items()] == [
        (1, "http-status: status 403 of …", 1),
        (2, "http-status: status 404 of …", 2),
        (3, "PollTimeout: … is in_progress: … of … files to go", 3),
    ]


IDS = st.from_regex(r"vsfb_[0-9a-f]{20}", fullmatch=True)


@given(IDS, IDS, st.integers(0), st.integers(0))
def test_neither_an_id_nor_a_number_makes_a_cause(one: str, other: str, m: int, n: int) -> None:
    reason = "PollTimeout: {} is in_progress: {} of 500 files to go"
    assert cause_of(reason.format(one, m)) == cause_of(reason.format(other, n))


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("http-status: status 404", "http-status: status 404"),
        ("Error code: 429 - {'message': 'req_0a1b2c3d'}", "Error code: 429 - {'message': '…'}"),
        ("no-connection: 10.0.0.1:8000", "no-connection: …"),
        ("a" * 200, "a" * 160),
        ("one\n  two", "one two"),
    ],
)
def test_what_tells_causes_apart_is_kept(reason: str, cause: str) -> None:
    assert cause_of(reason) == cause


def test_a_look_leaves_every_letter_in_its_queue_and_in_nobodys_hands(
    post: Post, read: Read
) -> None:
    url = DeadLetterQueue.DOWNLOAD.url(post.stack.outputs)
    sent = {post.document() for _ in range(25)}
    for _ in range(2):
        assert {letter.id for letter in read(DeadLetterQueue.DOWNLOAD)} == sent
        assert held(url) == 0


def test_no_more_is_looked_at_than_was_asked_for_and_the_rest_is_counted(
    post: Post, stack: Stack
) -> None:
    for _ in range(13):
        post.document()
    with looking(stack, [DeadLetterQueue.DOWNLOAD], most=11, hold_seconds=60) as [look]:
        assert (len(look.letters), look.unseen) == (11, 2)
        with looking(stack, [DeadLetterQueue.DOWNLOAD], most=11, hold_seconds=60) as [other]:
            assert (len(other.letters), other.counts.in_flight) == (2, 11)
