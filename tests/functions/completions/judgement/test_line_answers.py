"""What a line says about each target of its request: a verdict, or a reason for none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.completions.judgement.line_answers import Answer, LineAnswers, read_line
from functions.completions.verdicts import Verdict
from functions.completions.vocabulary import CoreLabel
from tests.functions.completions.judgement.answered_lines import (
    answering,
    executed,
    line,
    response,
    result,
    target,
)

DATE, TIME = target(1, "DATE"), target(2, "TIME")
TARGETS = [DATE, TIME]
EXPIRED = "This request could not be executed before the completion window expired."
KEPT_AT = "batches/b/chunks/00001.jsonl#0"


def read(text: bytes) -> LineAnswers:
    return read_line(text, TARGETS, KEPT_AT)


def verdicts(text: bytes) -> list[tuple[bool, str | None] | None]:
    return [
        (answer.verdict.is_valid, answer.verdict.correct_label) if answer.verdict else None
        for answer in read(text).answers
    ]


def reasons(text: bytes) -> list[str]:
    """Why there is no verdict on any of the targets."""
    answers = read(text).answers
    assert not any(answer.verdict for answer in answers)
    return [str(answer.reason) for answer in answers]


def test_each_target_has_its_verdict_and_what_the_whole_request_took() -> None:
    found = read(answering([result(DATE, True), result(TIME, False, "DATE")]))

    assert found.foreign == 0
    assert found.answers == [
        Answer(
            target=about,
            verdict=verdict,
            input_tokens=900,
            output_tokens=70,
            raw_line=KEPT_AT,
        )
        for about, verdict in (
            (DATE, Verdict(id=DATE.target_id, is_valid=True, correct_label=None)),
            (TIME, Verdict(id=TIME.target_id, is_valid=False, correct_label=CoreLabel.DATE)),
        )
    ]


def test_a_text_in_parts_is_one_text() -> None:
    text = json.dumps({"results": [result(DATE, True), result(TIME, True)]})

    assert verdicts(executed(response(text[:30], text[30:]))) == [(True, None), (True, None)]


# As OpenAI's documents and users show them: an HTTP failure, a request that was never executed, and
# one that failed before there was a response.
@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (
            {
                "response": {
                    "status_code": 400,
                    "request_id": "req_1",
                    "body": {
                        "error": {
                            "message": "Unsupported value.",
                            "type": "invalid_request_error",
                            "param": "text",
                            "code": None,
                        }
                    },
                },
                "error": None,
            },
            "HTTP 400: invalid_request_error: Unsupported value.",
        ),
        (
            {
                "response": None,
                "error": {
                    "code": "batch_expired",
                    "message": EXPIRED,
                },
            },
            f"not executed: batch_expired: {EXPIRED}",
        ),
        (
            {"response": None, "error": {"code": "server_error", "message": "Oops."}},
            "not executed: server_error: Oops.",
        ),
        ({"response": None, "error": None}, "neither a response nor an error"),
        ({"response": None, "error": "broken"}, "not executed: no reason is given"),
        ({}, "neither a response nor an error"),
    ],
)
def test_a_request_that_failed_answers_none_of_its_targets(
    outcome: dict[str, Any], reason: str
) -> None:
    assert reasons(line(outcome)) == [reason, reason]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            response("{", status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "the response is incomplete: max_output_tokens",
        ),
        (
            response(status="failed", error={"code": "server_error", "message": "Oops."}),
            "the response is failed: server_error: Oops.",
        ),
        (response(status=None), "the response is None: no reason is given"),
        (response(), "the response has no text"),
        (response(output=None), "the response has no text"),
        (response(output=["text", {"type": "message"}]), "the response has no text"),
        ("a text", "the response is None: no reason is given"),
        (
            response(
                output=[
                    {
                        "type": "message",
                        "content": [
                            {"type": "output_text", "text": '{"results": []}'},
                            {"type": "refusal", "refusal": "I cannot help with that."},
                        ],
                    }
                ]
            ),
            "refused: I cannot help with that.",
        ),
        (response("Sure! Here you go."), "the model's text is not JSON: expected value at line 1"),
        (response("[]"), "the model's text is not an object"),
        (response('{"answers": []}'), "the model's text has no list of results"),
        (response('{"results": {}}'), "the model's text has no list of results"),
        (response('{"results": []}'), "not answered"),
    ],
)
def test_a_response_without_verdicts_answers_none_of_its_targets(body: Any, reason: str) -> None:
    assert [found[: len(reason)] for found in reasons(executed(body))] == [reason, reason]


@pytest.mark.parametrize("status_code", [400, 429, 500, 302, 199, None, "200", True, 200.0])
def test_a_body_under_a_status_that_is_no_success_is_no_answer(status_code: Any) -> None:
    body = response(json.dumps({"results": [result(DATE, True), result(TIME, True)]}))

    assert reasons(executed(body, status_code=status_code))[0].startswith(f"HTTP {status_code}: ")


def test_of_a_field_that_is_there_twice_the_last_counts() -> None:
    good = answering([result(DATE, True), result(TIME, True)])
    first, last = (
        b'"status_code": 500, "status_code": 200',
        b'"status_code": 200, "status_code": 500',
    )

    assert verdicts(good.replace(b'"status_code": 200', first)) == [(True, None)] * 2
    assert verdicts(good.replace(b'"status_code": 200', last)) == [None, None]


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"null", b"[1]", b'"text"', b"[" * 5000])
def test_a_line_that_is_no_object_answers_nothing(text: bytes) -> None:
    assert all("the line is not" in reason for reason in reasons(text))


@pytest.mark.parametrize("is_valid", ["false", "true", 0, 1, None, [], {}])
def test_a_verdict_is_a_boolean_and_nothing_like_it(is_valid: Any) -> None:
    assert verdicts(answering([result(DATE, is_valid), result(TIME, True)])) == [None, (True, None)]


@pytest.mark.parametrize("label", ["SHOE_SIZE", "date", "", 7, ["TIME"], True])
def test_a_suggested_label_is_one_of_the_vocabulary(label: Any) -> None:
    found = read(answering([result(DATE, False, label), result(TIME, True)]))

    assert [answer.verdict is not None for answer in found.answers] == [False, True]
    assert str(found.answers[0].reason).startswith("answered against the schema: correct_label: ")
    assert found.foreign == 0


def test_a_result_that_lacks_or_adds_a_field_spoils_its_own_target_alone() -> None:
    lacking = {"id": DATE.target_id, "is_valid": True}
    adding = result(DATE, True) | {"confidence": 0.3}

    for broken in (lacking, adding):
        assert verdicts(answering([broken, result(TIME, True)])) == [None, (True, None)]


@pytest.mark.parametrize(
    "foreign",
    [
        target(3, "DATE").target_id,
        target(1, "TIME").target_id,
        target(1, "DATE", image="11111111-1111-4111-8111-111111111111").target_id,
        DATE.text,
        DATE.target_id.replace("NONE", "PENDING"),
        DATE.target_id.lower(),
        "",
    ],
)
def test_a_result_for_what_was_not_asked_is_counted_and_ignored(foreign: str) -> None:
    found = read(answering([result(foreign, False, "TAX"), result(TIME, True)]))

    assert found.foreign == 1
    assert [answer.verdict is not None for answer in found.answers] == [False, True]
    assert found.answers[0].reason == "not answered"


@pytest.mark.parametrize("nothing", [None, "text", 7, [], {}, {"id": 7, "is_valid": True}])
def test_a_result_that_names_nothing_is_counted_and_ignored(nothing: Any) -> None:
    found = read(answering([nothing, result(DATE, True), result(TIME, True)]))

    assert found.foreign == 1
    assert all(answer.verdict for answer in found.answers)


def test_the_same_verdict_twice_is_one() -> None:
    twice = [result(DATE, False, "TIME"), result(TIME, True)] * 2

    assert verdicts(answering(twice)) == [(False, "TIME"), (True, None)]


@pytest.mark.parametrize(
    "other", [result(DATE, True), result(DATE, False, "TAX"), result(DATE, "false", "TIME")]
)
def test_two_verdicts_on_one_target_are_none_in_either_order(other: dict[str, Any]) -> None:
    both = [result(DATE, False, "TIME"), other]

    for results in (both, both[::-1]):
        assert verdicts(answering([*results, result(TIME, True)])) == [None, (True, None)]


@pytest.mark.parametrize("label", ["TAX", "SHOE_SIZE"])
def test_of_two_faults_the_order_does_not_tell(label: str) -> None:
    faults = [result(DATE, "true"), result(DATE, True, label)]

    [one, other] = [
        [answer.reason for answer in read(answering(results)).answers]
        for results in (faults, faults[::-1])
    ]
    assert one == other


def test_a_valid_label_may_be_named_as_the_correct_one_and_no_other_may() -> None:
    assert verdicts(answering([result(DATE, True, "DATE"), result(TIME, True, "TAX")])) == [
        (True, "DATE"),
        None,
    ]


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        {},
        {"input_tokens": "900", "output_tokens": -1},
        {"input_tokens": True, "output_tokens": 10**60},
        {"input_tokens": 1.5, "output_tokens": None},
    ],
)
def test_a_usage_that_cannot_be_is_none(usage: Any) -> None:
    [first, _] = read(answering([result(DATE, True)], usage=usage)).answers

    assert first.verdict
    assert (first.input_tokens, first.output_tokens) == (0, 0)


def test_what_was_used_is_known_of_an_answer_that_is_no_good() -> None:
    [first, _] = read(executed(response("Sure!"))).answers

    assert (first.input_tokens, first.output_tokens) == (900, 70)


def test_a_long_reason_is_cut() -> None:
    error = {"code": "server_error", "message": "x" * 5000}

    assert {len(reason) for reason in reasons(line({"error": error}))} == {500}


FIELDS = [
    *("error", "response", "body", "status", "status_code", "output", "type", "content", "text"),
    *("results", "id", "is_valid", "correct_label", "usage", "input_tokens", "code", "message"),
    *("incomplete_details", "refusal"),
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([DATE.target_id, "message", "output_text", "completed", "DATE", 200]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            children,
            max_size=6,
        )
    ),
    max_leaves=15,
)
RESULTS = st.lists(
    st.builds(
        result,
        st.sampled_from([DATE, TIME, target(9), "", "IMAGE#"]),
        st.booleans() | JSON,
        st.sampled_from([None, *CoreLabel, "NO_LABEL"]) | JSON,
    )
    | JSON,
    max_size=5,
)


def is_whole(found: LineAnswers) -> bool:
    """Each target has one answer, which is a verdict on it or a reason."""
    return [answer.target for answer in found.answers] == TARGETS and all(
        (answer.verdict is None) == (answer.reason is not None)
        and (answer.verdict is None or answer.verdict.id == answer.target.target_id)
        for answer in found.answers
    )


@pytest.mark.parametrize("odd", ["9" * 5000, "-1e999", "NaN", r'"\ud800"', "1" + "0" * 400])
@pytest.mark.parametrize("field", ["status_code", "message", "is_valid", "id", "input_tokens"])
def test_odd_json_answers_each_target_somehow(field: str, odd: str) -> None:
    error = {"code": "c", "message": "MARK_message"}
    results = [{"id": "MARK_id", "is_valid": "MARK_is_valid", "correct_label": None}]
    said = json.dumps({"results": results}).replace(f'"MARK_{field}"', odd)
    body = response(said, usage={"input_tokens": "MARK_input_tokens"}, error=error)
    for text in (
        executed(body),
        executed(body | {"status": "failed"}),
        executed(body, status_code="MARK_status_code"),
    ):
        assert is_whole(read(text.replace(f'"MARK_{field}"'.encode(), odd.encode())))


@given(text=st.binary())
def test_any_bytes_answer_each_target_somehow(text: bytes) -> None:
    assert is_whole(read(text))


@given(outcome=JSON)
def test_any_json_answers_each_target_somehow(outcome: Any) -> None:
    texts = [json.dumps(outcome).encode(), line(outcome if isinstance(outcome, dict) else {})]
    texts += [executed(outcome), executed(response(json.dumps(outcome)))]

    assert all(is_whole(read(text)) for text in texts)


@given(text=st.text())
def test_any_text_of_the_model_answers_each_target_somehow(text: str) -> None:
    assert is_whole(read(executed(response(text))))


@given(results=RESULTS)
def test_verdicts_are_those_that_can_be_meant_in_one_way(results: list[Any]) -> None:
    found = read(answering(results))

    assert is_whole(found)
    for answer in found.answers:
        said = [
            one
            for one in results
            if isinstance(one, dict) and one.get("id") == answer.target.target_id
        ]
        clear = (
            bool(said)
            and all(one == said[0] for one in said)
            and said[0].keys() == {"id", "is_valid", "correct_label"}
            and type(said[0]["is_valid"]) is bool
            and said[0]["correct_label"] in (None, *CoreLabel)
            and (not said[0]["is_valid"] or said[0]["correct_label"] in (None, answer.target.label))
        )
        assert (answer.verdict is not None) == clear


@given(results=RESULTS.flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_of_results_does_not_matter(results: tuple[list[Any], list[Any]]) -> None:
    one, other = (read(answering(some)) for some in results)

    assert one.foreign == other.foreign
    assert [a.verdict for a in one.answers] == [a.verdict for a in other.answers]
