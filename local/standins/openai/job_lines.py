"""The lines of batch jobs: checking those of an input file, and answering them one by one.

https://platform.openai.com/docs/guides/batch
"""

import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from openai import BaseModel
from openai.types import BatchError
from openai.types.responses import Response
from openai.types.shared import ErrorObject
from pydantic import SerializeAsAny

from local.standins.openai import checks
from local.standins.openai.answers import AnswerPlan
from local.standins.openai.errors import ApiError, invalid
from local.standins.openai.faults import usual_error
from local.standins.openai.line_plans import LinePlan, LinePlans
from local.standins.openai.records import new_id
from local.standins.openai.tokens import prompt_tokens

MAX_REQUESTS = 50_000
_NEEDED = ("custom_id", "method", "url", "body")
_USUAL_MESSAGES = {
    "batch_expired": "This request could not be executed before the completion window expired."
}


class Respond(Protocol):
    """Answers the body of a request."""

    def __call__(self, body: Mapping[str, Any], plan: AnswerPlan | None, /) -> Response:
        """The response; ApiError if the body breaks a rule."""


@dataclass(frozen=True, kw_only=True)
class CheckedInput:
    """What is in an input file, and what is wrong with it."""

    total: int
    model: str | None
    tokens: int
    errors: Sequence[BatchError]


@dataclass(frozen=True, kw_only=True)
class AnsweredLine:
    """The end of one request; ``text`` is what it puts into its file."""

    custom_id: str
    succeeded: bool
    text: str = field(repr=False)
    input_tokens: int = 0
    output_tokens: int = 0


class LineResponse(BaseModel):
    """The HTTP answer in a line."""

    status_code: int
    request_id: str
    body: SerializeAsAny[BaseModel]


class LineError(BaseModel):
    """An error in a line that is not HTTP's."""

    code: str
    message: str


class ResultLine(BaseModel):
    """A line of an output or error file."""

    id: str
    custom_id: str
    response: LineResponse | None
    error: LineError | None


class _ErrorBody(BaseModel):
    error: ErrorObject


def check(content: bytes, endpoint: str, keep_on: Callable[[], None]) -> CheckedInput:
    """Read an input file as OpenAI validates it: one error a line, for all of its lines."""
    errors: list[BatchError] = []
    seen: set[str] = set()
    model, tokens, total = None, 0, 0
    for total, line in enumerate(io.BytesIO(content), 1):
        keep_on()
        if total > MAX_REQUESTS:
            message = f"This batch has too many requests: the limit is {MAX_REQUESTS}."
            errors = [BatchError(code="too_many_tasks", message=message)]
            break
        request = _parsed(line)
        problem = _problem(request, endpoint, seen, model)
        if problem is not None:
            errors.append(problem.model_copy(update={"line": total}))
            continue
        seen.add(request["custom_id"])
        model = model or request["body"].get("model")
        tokens += prompt_tokens(request["body"])
    if total == 0:
        errors.append(BatchError(code="empty_file", message="The input file is empty."))
    return CheckedInput(total=total, model=model, tokens=tokens, errors=errors)


def answer(
    content: bytes, plans: LinePlans, respond: Respond, keep_on: Callable[[], None]
) -> Sequence[AnsweredLine]:
    """Answer every request of an input file that was found to be in order.

    The answers come in an order of their own, as OpenAI's do, and always the same one.
    """
    answers = []
    for request in map(json.loads, io.BytesIO(content)):
        keep_on()
        plan = plans.choose(request["custom_id"])
        answers.append(_answered(request, plan, respond))
    random.Random(len(answers)).shuffle(answers)  # noqa: S311
    return answers


def expired(custom_id: str) -> AnsweredLine:
    """A request that nobody got to in time."""
    return _failed(custom_id, "batch_expired", LinePlan())


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _problem(request: Any, endpoint: str, seen: set[str], model: str | None) -> BatchError | None:
    """What is wrong with one request, among those ``seen`` before it."""
    try:
        custom_id, body = _envelope(request, endpoint)
    except ApiError as error:
        wrong = error.error
        return BatchError(code=wrong.code, message=wrong.message, param=wrong.param)
    if custom_id in seen:
        message = "The custom_id of this request is that of another request in the batch."
        return BatchError(code="duplicate_custom_id", message=message, param="custom_id")
    if model is not None and body.get("model") != model:
        message = f"The model of this request is not '{model}', that of the requests before it."
        return BatchError(code="mismatched_model", message=message, param="body.model")
    return None


def _envelope(request: Any, endpoint: str) -> tuple[str, Mapping[str, Any]]:
    """A request's custom id and body; ApiError if it is no request to ``endpoint``."""
    if not isinstance(request, dict):
        raise invalid("This line is not parseable as valid JSON.", code="invalid_json_line")
    for name in _NEEDED:
        if name not in request:
            raise checks.missing(name)
    if request["method"] != "POST":
        message = "The method of this request is not POST."
        raise invalid(message, "method", "invalid_method")
    if request["url"] != endpoint:
        message = "The URL provided for this request does not prefix-match the batch endpoint."
        raise invalid(message, "url", "invalid_url")
    return checks.text(request["custom_id"], "custom_id"), checks.mapping(request["body"], "body")


def _answered(request: Mapping[str, Any], plan: LinePlan, respond: Respond) -> AnsweredLine:
    custom_id = request["custom_id"]
    if plan.error is not None:
        return _failed(custom_id, plan.error, plan)
    try:
        if plan.status is not None:
            raise usual_error(plan.status, message=plan.message, code=plan.code)
        response = respond(request["body"], plan.answer)
    except ApiError as error:
        body = _ErrorBody(error=error.error)
        text = _text(custom_id, plan, response=_line_response(error.status, body))
        return AnsweredLine(custom_id=custom_id, succeeded=False, text=text)
    return AnsweredLine(
        custom_id=custom_id,
        succeeded=True,
        text=_text(custom_id, plan, response=_line_response(200, response)),
        input_tokens=response.usage.input_tokens if response.usage else 0,
        output_tokens=response.usage.output_tokens if response.usage else 0,
    )


def _failed(custom_id: str, code: str, plan: LinePlan) -> AnsweredLine:
    usual = _USUAL_MESSAGES.get(code, "This request could not be executed.")
    error = LineError(code=code, message=plan.message or usual)
    return AnsweredLine(
        custom_id=custom_id, succeeded=False, text=_text(custom_id, plan, error=error)
    )


def _line_response(status: int, body: BaseModel) -> LineResponse:
    return LineResponse(status_code=status, request_id=new_id("req_"), body=body)


def _text(
    custom_id: str,
    plan: LinePlan,
    *,
    response: LineResponse | None = None,
    error: LineError | None = None,
) -> str:
    line = ResultLine(
        id=new_id("batch_req_"),
        custom_id=plan.custom_id or custom_id,
        response=response,
        error=error,
    )
    return "".join(f"{written}\n" for written in plan.written(line.to_json(indent=None)))
