"""What the OpenAI stand-in says of labels: by rule, out of a truth, and as it is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI
from pydantic import BaseModel, ConfigDict

from local.standins.openai import AnswerPlan, LinePlan, OpenAIStandIn, Truth
from local.standins.openai.labels import LabelRequest
from tests.local.standins.openai_jobs import ended, new_job, request, results

RECEIPT_ID = "IMAGE#77d54558-60e9-588f-b59d-b48ccb1181d8#RECEIPT#00001"
LINES = [
    "BLUE HARBOUR CAFE",
    "27 JALAN DEDAP 13,",
    "81100 JOHOR BAHRU",
    "TEL: 07-3507405",
    "www.blueharbour.example",
    "OPEN DAILY 9-17",
    "19/10/2018 20:49:59",
    "MEMBER 77120045",
    "2 X 3.10 6.20",
    "FLAT WHITE 4.50",
    "OAT BAR",
    "2.80",
    "SUBTOTAL 13.50",
    "DISCOUNT -1.00",
    "GST 6% 0.75",
    "TOTAL RM 13.25",
    "CASH 20.00",
    "CHANGE",
    "6.75",
    "THANK YOU",
]
# Line, word, what it is.
WORDS = [
    (1, 2, "MERCHANT_NAME"),
    (2, 2, "ADDRESS_LINE"),
    (3, 3, "ADDRESS_LINE"),
    (4, 2, "PHONE_NUMBER"),
    (5, 1, "WEBSITE"),
    (6, 2, "STORE_HOURS"),
    (7, 1, "DATE"),
    (7, 2, "TIME"),
    (8, 2, "LOYALTY_ID"),
    (9, 1, "QUANTITY"),
    (9, 3, "UNIT_PRICE"),
    (9, 4, "LINE_TOTAL"),
    (10, 1, "PRODUCT_NAME"),
    (10, 3, "LINE_TOTAL"),
    (11, 2, "PRODUCT_NAME"),
    (12, 1, "LINE_TOTAL"),
    (13, 2, "SUBTOTAL"),
    (14, 2, "DISCOUNT"),
    (15, 3, "TAX"),
    (16, 3, "GRAND_TOTAL"),
    (17, 1, "PAYMENT_METHOD"),
    (17, 2, None),
    (19, 1, "CHANGE"),
    (20, 1, None),
]


class Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    is_valid: bool
    correct_label: str | None


class Verdicts(BaseModel):
    model_config = ConfigDict(extra="forbid")

    results: list[Verdict]


def word_id(line: int, word: int) -> str:
    return f"{RECEIPT_ID}#LINE#{line:05d}#WORD#{word:05d}"


def target(line: int, word: int, label: str, *invalid: str) -> dict[str, Any]:
    return {
        "id": f"{word_id(line, word)}#LABEL#{label}#VALIDATION_STATUS#NONE",
        "text": LINES[line - 1].split()[word - 1],
        "line_id": line,
        "proposed_label": label,
        **({"invalid_labels": list(invalid)} if invalid else {}),
    }


def prompt(*targets: dict[str, Any], merchant: str | None = None) -> str:
    lines = [{"line_id": number, "text": text} for number, text in enumerate(LINES, 1)]
    return json.dumps({"merchant": merchant, "lines": lines, "targets": targets})


def ask(client: OpenAI, *targets: dict[str, Any]) -> list[Verdict]:
    parsed = client.responses.parse(
        model="m", input=prompt(*targets), text_format=Verdicts
    ).output_parsed
    assert parsed is not None
    assert [verdict.id for verdict in parsed.results] == [each["id"] for each in targets]
    return parsed.results


@pytest.mark.parametrize(("line", "word", "label"), WORDS)
def test_a_word_is_judged_by_what_it_looks_like(
    openai_client: OpenAI, line: int, word: int, label: str | None
) -> None:
    wrong = "TIP"
    verdicts = ask(openai_client, target(line, word, wrong), target(line, word, label or "REFUND"))
    assert [(verdict.is_valid, verdict.correct_label) for verdict in verdicts] == [
        (False, label),
        (label is not None, None),
    ]


@pytest.mark.parametrize(("merchant", "is_valid"), [("Oat Bar", True), (None, False)])
def test_the_merchants_name_is_taken_from_the_prompt(
    openai_client: OpenAI, merchant: str | None, is_valid: bool
) -> None:
    answer = openai_client.responses.create(
        model="m", input=prompt(target(11, 1, "MERCHANT_NAME"), merchant=merchant)
    )
    assert json.loads(answer.output_text)["results"][0]["is_valid"] == is_valid


def test_a_label_that_is_known_to_be_invalid_is_not_found_again(openai_client: OpenAI) -> None:
    (verdict,) = ask(openai_client, target(7, 1, "TIME", "DATE"))
    assert (verdict.is_valid, verdict.correct_label) == (False, None)


def test_a_truth_is_believed_where_it_knows_the_word(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, tmp_path: Path
) -> None:
    image_id = RECEIPT_ID.split("#")[1]
    known = [
        (7, 1, "DATE", False, "COUPON"),
        (7, 2, "TIME", True, None),
        (9, 1, "TAX", False, None),
    ]
    path = tmp_path / "labels.jsonl"
    path.write_text(
        "".join(
            json.dumps(
                {
                    "image_id": image_id,
                    "receipt_id": 1,
                    "line_id": line,
                    "word_id": word,
                    "text": "ignored",
                    "proposed_label": label,
                    "is_valid": is_valid,
                    "correct_label": correct,
                }
            )
            + "\n"
            for line, word, label, is_valid, correct in known
        )
    )
    openai_standin.truth = Truth.load(path)
    verdicts = ask(
        openai_client,
        target(7, 1, "DATE"),
        target(7, 1, "COUPON"),
        target(7, 1, "DATE", "COUPON"),
        target(7, 2, "TIME"),
        target(7, 2, "DATE"),
        target(9, 1, "TAX"),
        target(9, 1, "QUANTITY"),
        target(16, 3, "GRAND_TOTAL"),
    )
    assert [(verdict.is_valid, verdict.correct_label) for verdict in verdicts] == [
        (False, "COUPON"),
        (True, None),
        (False, None),
        (True, None),
        (False, "TIME"),
        (False, None),
        (False, None),
        (True, None),
    ]


def as_text(verdicts: list[dict[str, Any]]) -> object:
    return [{**verdict, "is_valid": str(verdict["is_valid"]).lower()} for verdict in verdicts]


def test_verdicts_may_be_bent_in_a_job_and_in_a_call(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    asked = prompt(target(7, 1, "DATE"), target(7, 2, "DATE"))
    plan = AnswerPlan(results=as_text)
    openai_standin.line_plans.add(LinePlan(answer=plan, when=lambda custom_id: custom_id == "a"))
    job = ended(openai_client, new_job(openai_client, request("a", asked), request("b", asked)))

    lines = results(openai_client, job.output_file_id)
    said = {
        custom_id: [
            verdict["is_valid"]
            for verdict in json.loads(line["response"]["body"]["output"][0]["content"][0]["text"])[
                "results"
            ]
        ]
        for custom_id, line in lines.items()
    }
    assert said == {"a": ["true", "false"], "b": [True, False]}

    openai_standin.answers.add(AnswerPlan(results=lambda verdicts: verdicts[:1]))
    answer = openai_client.responses.create(model="m", input=asked)
    assert len(json.loads(answer.output_text)["results"]) == 1


LABELS = st.sampled_from(["DATE", "TIME", "TAX", "GRAND_TOTAL", "MERCHANT_NAME", "QUANTITY"])


@st.composite
def label_requests(draw: st.DrawFn) -> LabelRequest:
    """Any lines, and targets on them or beside them, with any ids."""
    lines = draw(st.lists(st.text(max_size=20), max_size=6))
    targets: st.SearchStrategy[dict[str, Any]] = st.builds(
        dict,
        id=st.one_of(
            st.text(max_size=10), st.builds(word_id, st.integers(0, 9), st.integers(0, 9))
        ),
        text=st.one_of(st.text(max_size=8), st.sampled_from(["1.00", "12/12/2020", "X"])),
        line_id=st.integers(-1, 7),
        proposed_label=LABELS,
        invalid_labels=st.lists(LABELS, max_size=2),
    )
    return LabelRequest.model_validate(
        {
            "merchant": draw(st.none() | st.text(max_size=10)),
            "lines": [{"line_id": number, "text": text} for number, text in enumerate(lines)],
            "targets": draw(st.lists(targets, max_size=5)),
        }
    )


@given(
    label_requests(),
    st.none()
    | st.dictionaries(
        st.builds(word_id, st.integers(0, 9), st.integers(0, 9)), st.none() | LABELS
    ).map(Truth),
)
def test_every_target_gets_a_verdict_that_does_not_contradict_itself(
    asked: LabelRequest, truth: Truth | None
) -> None:
    verdicts = asked.results(truth)
    assert [verdict["id"] for verdict in verdicts] == [target.id for target in asked.targets]
    for verdict, one in zip(verdicts, asked.targets, strict=True):
        correct = verdict["correct_label"]
        assert correct is None or not verdict["is_valid"]
        assert correct not in (one.proposed_label, *one.invalid_labels)
        assert not (verdict["is_valid"] and one.proposed_label in one.invalid_labels)
