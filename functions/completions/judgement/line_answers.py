"""Reading what OpenAI answered to one request: a verdict, or the reason for none, a target.

A line of an output or error file is ``{"custom_id", "response": {"status_code", "body"} | null,
"error": {"code", "message"} | null}``, and the body a Response:
https://developers.openai.com/api/docs/guides/batch
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar, cast

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import from_json
from typing_extensions import TypedDict  # pydantic takes the standard library's from 3.12 on

from functions.completions.identifiers import LabelId
from functions.completions.verdicts import Verdict, Verdicts
from functions.errors import UnusableAnswerError

# Of what OpenAI or the model say; the whole is in the raw line.
_MAX_REASON_CHARACTERS = 500
_MAX_TOKENS = 10**12  # no request has more, and DynamoDB takes no number of any size

Object = TypeVar("Object")
# Whatever else it is, it is taken as it is: what comes after looks at it.
_IfObject = Annotated[Object | Any, Field(union_mode="left_to_right")]


class _Body(TypedDict, total=False):
    """What is read of a Response; of the rest, which repeats the request, no object is made."""

    status: Any
    incomplete_details: Any
    error: Any
    output: Any
    usage: Any


class _Response(TypedDict, total=False):
    status_code: Any
    body: _IfObject[_Body]


class _Line(TypedDict, total=False):
    response: _IfObject[_Response]
    error: Any


_LINE = TypeAdapter(_Line)


class _Broken(NamedTuple):
    """A result that is no verdict; ``id`` is empty if it names nothing."""

    id: str
    fault: str


_Result = Verdict | _Broken


class Answer(NamedTuple):
    """What was said about one target: a verdict, or the reason why there is none."""

    target: LabelId
    verdict: Verdict | None = None
    reason: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    """Both of the whole request."""
    raw_line: str | None = None
    """Where the line is kept."""
    counts_attempt: bool = True
    """Whether the target, for which there is no verdict, was asked about in vain."""
    needs_review: bool = False
    """Whether the target, for which there is no verdict, is for a person at once."""


class LineAnswers(NamedTuple):
    """The answers of one line, one for each target of its request."""

    answers: Sequence[Answer]
    foreign: int
    """Results that name none of the targets."""


def read_line(line: bytes, targets: Sequence[LabelId], raw_line: str) -> LineAnswers:
    """Read a line that answers a request; whatever it holds, each target gets an answer."""
    body: _Body = {}
    results: Sequence[_Result] = ()
    trouble: str | None = None
    try:
        body = _body(line)
        results = _results(_text(body))
    except UnusableAnswerError as error:
        trouble = str(error)
    heard = _by_id(results)
    asked = {target.target_id: target for target in targets}
    input_tokens, output_tokens = _tokens(body, "input_tokens"), _tokens(body, "output_tokens")
    answers = []
    for id_, target in asked.items():
        said = trouble or _said(heard.get(id_), target)
        if isinstance(said, str):
            verdict, reason = None, said[:_MAX_REASON_CHARACTERS]
        else:
            verdict, reason = said, None
        answers.append(Answer(target, verdict, reason, input_tokens, output_tokens, raw_line))
    foreign = sum(result.id not in asked for result in results)
    return LineAnswers(answers=answers, foreign=foreign)


def _by_id(results: Sequence[_Result]) -> Mapping[str, _Result]:
    """What was said about each id, whatever the order; what does not agree is broken."""
    found = {result.id: result for result in results}
    if len(found) < len(results):
        together = defaultdict(list)
        for result in results:
            together[result.id].append(result)
        found = {id_: _agreed(some) for id_, some in together.items()}
    return found


def _agreed(results: Sequence[_Result]) -> _Result:
    """The one thing that all results about an id say."""
    broken = [result for result in results if isinstance(result, _Broken)]
    if broken:
        return min(broken)
    if any(result != results[0] for result in results):
        return _Broken(id=results[0].id, fault="answered twice, with two verdicts")
    return results[0]


def _said(result: _Result | None, target: LabelId) -> Verdict | str:
    """The verdict on a target, or why there is none."""
    if isinstance(result, Verdict):
        if result.is_valid and result.correct_label not in (None, target.label):
            return f"called valid, and {result.correct_label} called correct"
        return result
    return result.fault if result else "not answered"


def _body(line: bytes) -> _Body:
    """The response to a request that was executed."""
    try:
        envelope = _LINE.validate_json(line)
    except ValidationError as error:
        raise UnusableAnswerError(f"the line is not an answer: {_wrong(error)}") from None
    if envelope.get("error") is not None:
        raise UnusableAnswerError(f"not executed: {_error(envelope['error'])}")
    response = envelope.get("response")
    if not isinstance(response, dict):
        raise UnusableAnswerError("neither a response nor an error")
    status, found = response.get("status_code"), response.get("body")
    body = cast("_Body", found if isinstance(found, dict) else {})
    if type(status) is not int or not 200 <= status < 300:
        raise UnusableAnswerError(f"HTTP {status}: {_error(body.get('error'))}")
    return body


def _text(body: _Body) -> str:
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


def _parts(body: _Body) -> Iterator[dict[str, Any]]:
    """The parts of a response's messages."""
    for item in _objects(body.get("output")):
        if item.get("type") == "message":
            yield from _objects(item.get("content"))


def _results(text: str) -> Sequence[_Result]:
    try:
        # In one go, without a dictionary in between; an answer that keeps to its schema passes.
        return Verdicts.model_validate_json(text).results
    except ValidationError:
        return [_result(result) for result in _loose_results(text)]


def _loose_results(text: str) -> list[Any]:
    try:
        found = from_json(text)
    except ValueError as error:
        raise UnusableAnswerError(f"the model's text is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise UnusableAnswerError("the model's text is not an object")
    results = found.get("results")
    if not isinstance(results, list):
        raise UnusableAnswerError("the model's text has no list of results")
    return results


def _result(result: Any) -> _Result:
    """One result by itself: one that breaks the model spoils its own target alone."""
    try:
        return Verdict.model_validate(result)
    except ValidationError as error:
        id_ = result.get("id") if isinstance(result, dict) else None
        fault = f"answered against the schema: {_wrong(error)}"
        return _Broken(id=id_ if isinstance(id_, str) else "", fault=fault)


def _tokens(body: _Body, name: str) -> int:
    usage = body.get("usage")
    number = usage.get(name) if isinstance(usage, dict) else None
    return number if type(number) is int and 0 <= number < _MAX_TOKENS else 0


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _error(error: Any) -> str:
    """OpenAI's error object as a text."""
    if not isinstance(error, dict):
        return "no reason is given"
    return f"{error.get('code') or error.get('type')}: {error.get('message')}"


def _wrong(error: ValidationError) -> str:
    """What is wrong and where, without what was said there."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(": ".join((*map(str, one["loc"]), one["msg"])) for one in details)
