"""The items of the label table, there and back."""

import re
from typing import Any

import pytest

from functions.clients.dynamodb import Table
from functions.completions.batches import BatchSummary, CompletionBatchResult
from functions.completions.entities import Receipt, ReceiptLine, ReceiptWord, ReceiptWordLabel, iso
from functions.completions.identifiers import LabelId
from functions.completions.vocabulary import BatchStatus, Outcome, ValidationStatus
from functions.errors import InvalidItemError

IMAGE = "77d54558-60e9-588f-b59d-b48ccb1181d8"
ID = LabelId(image_id=IMAGE, receipt_id=1, line_id=2, word_id=3, label="DATE")
WORD = f"IMAGE#{IMAGE}#RECEIPT#00001#LINE#00002#WORD#00003"
LABEL = ReceiptWordLabel(
    id=ID,
    validation_status=ValidationStatus.PENDING,
    timestamp_added=iso(1),
    label_proposed_by="somebody",
    label_consolidated_from="TIME",
    batch_id="b-1",
    attempts=2,
    projection="b-0",
)
SUMMARY = BatchSummary(
    batch_id="b-1",
    status=BatchStatus.PENDING,
    submitted_at=iso(2),
    model="gpt",
    targets_key="batches/b-1/targets.jsonl",
    target_count=3,
    request_count=2,
    prompt_tokens=900,
    outcomes={"VALID": 3},
)
RESULT = CompletionBatchResult(
    batch_id="b-1",
    id=ID,
    outcome=Outcome.INVALID,
    original_label="DATE",
    gpt_suggested_label="TIME",
    is_valid=False,
    model="gpt",
    attempt=1,
    validated_at=iso(3),
    raw_line="batches/b-1/chunks/00001.jsonl#7",
)
RECEIPT = Receipt(
    id=ID.receipt,
    merchant_name="R&D <Käse>",
    lines=(ReceiptLine(line_id=1, text="a b", words=(ReceiptWord(word_id=1, text="a"),)),),
)


@pytest.mark.parametrize("entity", [LABEL, SUMMARY, RESULT, RECEIPT])
def test_an_entity_comes_back_from_the_table_as_it_was(label_table: Table, entity: Any) -> None:
    item = entity.to_item()
    label_table.put(item)

    found = label_table.get({"PK": item["PK"], "SK": item["SK"]})

    assert found is not None
    assert type(entity).from_item(found) == entity


def test_a_label_is_found_by_its_label_its_mark_and_its_status() -> None:
    item = LABEL.to_item()

    assert (item["GSI1PK"], item["GSI1SK"]) == ("LABEL#DATE", WORD)
    assert re.fullmatch(r"UNPROJECTED#[0-7]", item["GSI2PK"])
    assert (item["GSI3PK"], item["GSI3SK"]) == (
        "VALIDATION_STATUS#PENDING",
        f"1970-01-01T00:00:01.000000+00:00#{WORD}#LABEL#DATE",
    )
    unmarked = LABEL.model_copy(update={"projection": None}).to_item()
    assert not {"GSI2PK", "GSI2SK", "projection"} & unmarked.keys()


def test_a_batch_is_found_by_its_status() -> None:
    item = SUMMARY.to_item()

    assert (item["PK"], item["SK"]) == ("BATCH#b-1", "STATUS")
    assert item["GSI1PK"] == "STATUS#PENDING"
    assert item["GSI1SK"] == "BATCH_TYPE#COMPLETION#BATCH_ID#b-1"


def test_a_result_is_found_by_its_label_its_batch_and_its_receipt() -> None:
    item = RESULT.to_item()

    assert (item["PK"], item["SK"]) == ("BATCH#b-1", f"RESULT#{WORD}#LABEL#DATE")
    assert (item["GSI1PK"], item["GSI1SK"]) == ("LABEL#DATE", "STATUS#INVALID")
    assert (item["GSI2PK"], item["GSI2SK"]) == ("BATCH#b-1", "STATUS#INVALID")
    assert item["GSI3PK"] == f"IMAGE#{IMAGE}#RECEIPT#00001"
    assert item["GSI3SK"] == "BATCH#b-1#STATUS#INVALID"


@pytest.mark.parametrize(
    ("model", "item", "change", "complaint"),
    [
        (ReceiptWordLabel, LABEL.to_item(), {"validation_status": "MAYBE"}, "validation_status"),
        (ReceiptWordLabel, LABEL.to_item(), {"attempts": -1}, "attempts"),
        (ReceiptWordLabel, LABEL.to_item(), {"timestamp_added": 7}, "timestamp_added"),
        (ReceiptWordLabel, LABEL.to_item(), {"SK": "RECEIPT#1"}, "is no label's key"),
        (BatchSummary, SUMMARY.to_item(), {"status": "DONE"}, "status"),
        (CompletionBatchResult, RESULT.to_item(), {"SK": "RESULT#1"}, "is no label's key"),
        (Receipt, RECEIPT.to_item(), {"lines": "a b"}, "lines"),
    ],
)
def test_an_item_that_is_not_what_its_key_says_is_refused_without_its_values(
    model: Any, item: dict[str, Any], change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidItemError, match=complaint) as refused:
        model.from_item({**item, **change})
    assert "somebody" not in str(refused.value)


def test_times_sort_as_texts() -> None:
    assert sorted([iso(10), iso(9.5), iso(9.25)]) == [iso(9.25), iso(9.5), iso(10)]
