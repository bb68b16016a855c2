"""Parsing a line of a job's output file, and judging what it says about each of its targets."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.row import Goal, Row, times_faster
from benchmarks.work.answered import Answered, answered
from functions.completions.identifiers import LabelId
from functions.completions.judgement.line_answers import read_line
from functions.completions.vocabulary import CoreLabel
from local.standins.openai.answers import AnswerPlan
from local.standins.openai.line_plans import LinePlan, half

_VOCABULARY = frozenset(map(str, CoreLabel))
_ROUNDS = 60
_PASSES = 30
_GOOD_FOR_A_BAD = 9

Lines = Sequence[Answered]
Judge = Callable[[bytes, Sequence[LabelId], str], Any]
Said = dict[str, Any]


def measure() -> Row:
    """The processor's time a line: of good lines, and with others among them."""
    good = answered()
    bad = [one for plan in _BAD for one in answered(plan)]
    for one in (*good, *bad):
        _check_equal(one)
    baseline, ours = _fastest(good * _PASSES)
    baseline_mixed, ours_mixed = _fastest([*good * (_GOOD_FOR_A_BAD * len(_BAD)), *bad])
    return Row(
        what="parsing and judging a line",
        baseline=f"`json.loads` twice, checks by hand: {baseline:.1f} µs",
        ours=f"{ours:.1f} µs",
        goals=(
            _as_fast("as fast", baseline, ours),
            _as_fast("as fast where each tenth line is bad", baseline_mixed, ours_mixed),
        ),
        details=_DETAILS.format(
            size=sum(len(one.line) for one in good) / len(good) / 1000,
            targets=sum(len(one.request.targets) for one in good) / len(good),
            baseline=baseline_mixed,
            ours=ours_mixed,
            rounds=_ROUNDS,
        ),
    )


def _as_fast(to_reach: str, baseline: float, ours: float) -> Goal:
    goal = times_faster(1, baseline=baseline, ours=ours)
    return goal.model_copy(update={"to_reach": to_reach})


_DETAILS = """\
Answers of the stand-in to requests about the sample receipts, {size:.1f} KB and {targets:.0f}
targets a line, are read from memory: by `json.loads` of the line and of the model's text in it and
by checks written by hand, and by `read_line`. Both refuse the same: a status that is no success, a
response that is not complete, a refusal, a field too many or too few, a boolean that is none, a
label that is not in the vocabulary, a target that was not asked about, two verdicts on one target;
and both give an answer for each target. They agree on every verdict, or the measurement fails.
Time is the processor's; the figure is the fastest of {rounds} rounds in which the sides take turns.

The second goal is for lines of which each tenth is a bad one, of ten kinds: {baseline:.1f} µs and
{ours:.1f} µs.
"""

_BAD = (
    LinePlan(status=500),
    LinePlan(error="batch_expired"),
    LinePlan(written=half),
    LinePlan(answer=AnswerPlan(shape="refusal")),
    LinePlan(answer=AnswerPlan(shape="incomplete")),
    LinePlan(answer=AnswerPlan(shape="fenced")),
    LinePlan(answer=AnswerPlan(results=lambda all_: all_[1:])),
    LinePlan(answer=AnswerPlan(results=lambda all_: [*all_, all_[0] | {"id": "IMAGE#"}])),
    LinePlan(answer=AnswerPlan(results=lambda all_: [*all_, all_[0] | {"is_valid": "false"}])),
    LinePlan(answer=AnswerPlan(results=lambda all_: [all_[0] | {"correct_label": "X"}, *all_[1:]])),
)
"""A request that failed, one never executed, half a line, answers that are none or not whole, and
results that are missing, foreign, given twice or against the schema."""


def _fastest(lines: Lines) -> tuple[float, float]:
    """Microseconds of the processor a line, of either side: the least disturbed of the rounds."""
    rounds = [(_time(_baseline, lines), _time(read_line, lines)) for _ in range(_ROUNDS)]
    baseline, ours = (min(side) / len(lines) * 1e6 for side in zip(*rounds, strict=True))
    return baseline, ours


def _time(judge: Judge, lines: Lines) -> float:
    began = time.process_time()
    for one in lines:
        judge(one.line, one.request.targets, "lines.jsonl#0")
    return time.process_time() - began


def _check_equal(one: Answered) -> None:
    """Both sides say the same of each target, or ValueError; they put a reason in other words."""
    theirs, foreign = _baseline(one.line, one.request.targets, "lines.jsonl#0")
    ours = read_line(one.line, one.request.targets, "lines.jsonl#0")
    said = [
        {
            **{name: getattr(answer, name) for name in theirs[0]},
            "verdict": answer.verdict and answer.verdict.model_dump(mode="json"),
        }
        for answer in ours.answers
    ]
    for answer in (*theirs, *said):
        answer["reason"] = answer["reason"] is not None
    if (said, ours.foreign) != (theirs, foreign):
        raise ValueError(f"{said} is not {theirs}")


class _UnusableError(Exception):
    pass


def _baseline(line: bytes, targets: Sequence[LabelId], raw_line: str) -> tuple[list[Said], int]:
    """An answer for each target, and how many results are about none: with the standard library
    and checks by hand."""
    reason: str | None = None
    results: Any = []
    usage: Any = None
    try:
        body = _body(json.loads(line))
        usage = body.get("usage")
        results = json.loads(_text(body))["results"]
    except (_UnusableError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
    asked = {target.target_id: target for target in targets}
    found: dict[str, Any] = {}
    faults: dict[str, str] = {}
    foreign = 0
    for result in results if isinstance(results, list) else ():
        id_ = result.get("id") if isinstance(result, dict) else None
        if not isinstance(id_, str) or id_ not in asked:
            foreign += 1
        elif fault := _fault(result, asked[id_].label):
            faults[id_] = fault
        elif found.setdefault(id_, result) != result:
            faults[id_] = "answered twice, with two verdicts"
    input_tokens, output_tokens = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    answers = [
        {
            "target": target,
            "verdict": None if id_ in faults else found.get(id_),
            "reason": reason or faults.get(id_) or (None if id_ in found else "not answered"),
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "raw_line": raw_line,
        }
        for id_, target in asked.items()
    ]
    return answers, foreign


def _body(answer: Any) -> Any:
    if answer.get("error"):
        raise _UnusableError(f"not executed: {answer['error']}")
    response = answer["response"]
    if type(response["status_code"]) is not int or not 200 <= response["status_code"] < 300:
        raise _UnusableError(f"HTTP {response['status_code']}")
    return response["body"]


def _text(body: Any) -> str:
    if body["status"] != "completed":
        raise _UnusableError(f"the response is {body['status']}")
    text = ""
    for item in body["output"]:
        if item["type"] == "message":
            for part in item["content"]:
                if part["type"] == "refusal":
                    raise _UnusableError(f"refused: {part['refusal']}")
                if part["type"] == "output_text":
                    text += part["text"]
    return text


def _fault(result: dict[str, Any], label: str) -> str | None:
    if result.keys() != {"id", "is_valid", "correct_label"}:
        return "fields are missing, or there are others"
    correct = result["correct_label"]
    if not isinstance(result["is_valid"], bool):
        return "is_valid is no boolean"
    if correct is not None and not (isinstance(correct, str) and correct in _VOCABULARY):
        return "correct_label is not in the vocabulary"
    if result["is_valid"] and correct is not None and correct != label:
        return "called valid, and another label called correct"
    return None


def _count(usage: Any, name: str) -> int:
    number = usage.get(name) if isinstance(usage, dict) else None
    return number if type(number) is int and 0 <= number < 10**12 else 0
