"""Reading what OpenAI answered to one request: a verdict, or the reason for none, a target.

A line of an output or error file is ``{"custom_id", "response": {"status_code", "body"} | null,
"error": {"code", "message"} | null}``, and the body a Response:
https://developers.openai.com/api/docs/guides/batch
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json

from functions.completions.identifiers import LabelId
from functions.completions.verdicts import Verdict, Verdicts
from functions.errors import UnusableAnswerError

# Of what OpenAI or the model say; the whole is in the raw line.
_MAX_REASON_CHARACTERS = 500
# A result's id, and its verdict or what is wrong with it.
_Result = tuple[str | None, Verdict | str]
_MAX_TOKENS = 10**12  # no request has more, and DynamoDB takes no number of any size


class Answer(NamedTuple):
    """What was said about one target: a verdict, or the reason why there is none."""

    target: LabelId
    verdict: Verdict | None = None
    reason: str | None = None
    counts_attempt: bool = True
    """Whether the target, for which there is no verdict, was asked about in vain."""
    needs_review: bool = False
    """Whether the target, for which there is no verdict, is for a person at once."""
    input_tokens: int = 0
    output_tokens: int = 0
    """Both of the whole request."""
    raw_line: str | None = None
    """Where the line is kept."""


@dataclass(frozen=True, kw_only=True)
class LineAnswers:
    """The answers of one line, one for each target of its request."""

    answers: Sequence[Answer]
    foreign: int
    """Results that name none of the targets."""


def read_line(line: bytes, targets: Sequence[LabelId], raw_line: str) -> LineAnswers:
    """Read a line that answers a request; whatever it holds, each target gets an answer."""
    body: Mapping[str, Any] = {}
    results: list[_Result] = []
    trouble: str | None = None
    try:
        body = _body(_object(line, "the line"))
        results = _results(_text(body))
    except UnusableAnswerError as error:
        trouble = str(error)
    heard: dict[str, list[Verdict | str]] = {target.target_id: [] for target in targets}
    foreign = 0
    for id_, said in results:
        if id_ in heard:
            heard[id_].append(said)
        else:
            foreign += 1
    input_tokens, output_tokens = _tokens(body, "input_tokens"), _tokens(body, "output_tokens")
    answers = []
    for target, all_said in zip(targets, heard.values(), strict=True):
        agreed = trouble or _agreed(all_said, target)
        answers.append(
            Answer(
                target=target,
                verdict=agreed if isinstance(agreed, Verdict) else None,
                reason=agreed[:_MAX_REASON_CHARACTERS] if isinstance(agreed, str) else None,
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                raw_line=raw_line,
            )
        )
    return LineAnswers(answers=answers, foreign=foreign)


def _agreed(heard: Sequence[Verdict | str], target: LabelId) -> Verdict | str:
    """The one verdict on a target, or why there is none."""
    if not heard:
        return "not answered"
    faults = [fault for said in heard if (fault := _fault(said, target))]
    if faults:
        return min(faults)  # whatever their order is
    if any(other != heard[0] for other in heard[1:]):
        return "answered twice, with two verdicts"
    return heard[0]


def _fault(said: Verdict | str, target: LabelId) -> str | None:
    """What is wrong with one result about a target."""
    if isinstance(said, str):
        return said
    if said.is_valid and said.correct_label not in (None, target.label):
        return f"called valid, and {said.correct_label} called correct"
    return None


def _body(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    """The response to a request that was executed."""
    error = envelope.get("error")
    if error is not None:
        raise UnusableAnswerError(f"not executed: {_error(error)}")
    response = envelope.get("response")
    if not isinstance(response, dict):
        raise UnusableAnswerError("neither a response nor an error")
    status, body = response.get("status_code"), response.get("body")
    if not isinstance(body, dict):
        body = {}
    if type(status) is not int or not 200 <= status < 300:
        raise UnusableAnswerError(f"HTTP {status}: {_error(body.get('error'))}")
    return body


def _text(body: Mapping[str, Any]) -> str:
    """What the model wrote, if it came to its end and did not refuse."""
    status = body.get("status")
    if status != "completed":
        details = body.get("incomplete_details")
        why = details.get("reason") if isinstance(details, dict) else _error(body.get("error"))
        raise UnusableAnswerError(f"the response is {status}: {why}")
    text = []
    for part in _parts(body):
        if part.get("type") == "refusal":
            raise UnusableAnswerError(f"refused: {part.get('refusal')}")
        if part.get("type") == "output_text" and isinstance(part.get("text"), str):
            text.append(part["text"])
    if not text:
        raise UnusableAnswerError("the response has no text")
    return "".join(text)


def _parts(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a response's messages."""
    for item in _objects(body.get("output")):
        if item.get("type") == "message":
            yield from _objects(item.get("content"))


def _results(text: str) -> list[_Result]:
    try:
        # In one go, without a dictionary in between; an answer that keeps to its schema passes.
        return [(verdict.id, verdict) for verdict in Verdicts.model_validate_json(text).results]
    except ValidationError:
        results = _object(text, "the model's text").get("results")
    if not isinstance(results, list):
        raise UnusableAnswerError("the model's text has no list of results")
    return [_result(result) for result in results]


def _result(result: Any) -> _Result:
    """One result by itself: one that breaks the model spoils its own target alone."""
    try:
        verdict = Verdict.model_validate(result)
    except ValidationError as error:
        id_ = result.get("id") if isinstance(result, dict) else None
        details = error.errors(include_url=False, include_context=False, include_input=False)
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in details)
        return id_ if isinstance(id_, str) else None, f"answered against the schema: {wrong}"
    return verdict.id, verdict


def _tokens(body: Mapping[str, Any], name: str) -> int:
    usage = body.get("usage")
    number = usage.get(name) if isinstance(usage, dict) else None
    return number if type(number) is int and 0 <= number < _MAX_TOKENS else 0


def _object(text: bytes | str, what: str) -> dict[str, Any]:
    try:
        found = from_json(text)
    except ValueError as error:
        raise UnusableAnswerError(f"{what} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise UnusableAnswerError(f"{what} is not an object")
    return found


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _error(error: Any) -> str:
    """OpenAI's error object as a text."""
    if not isinstance(error, dict):
        return "no reason is given"
    return f"{error.get('code') or error.get('type')}: {error.get('message')}"
