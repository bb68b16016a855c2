"""Names of receipts, words and labels, as other programs know them too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.completions.identifiers import LabelId, ReceiptId
from functions.errors import InvalidItemError

IMAGE = "77d54558-60e9-588f-b59d-b48ccb1181d8"
LABEL = LabelId(image_id=IMAGE, receipt_id=1, line_id=2, word_id=3, label="GRAND_TOTAL")
numbers = st.integers(1, 99_999)
labels = st.builds(
    LabelId,
    image_id=st.uuids().map(str),
    receipt_id=numbers,
    line_id=numbers,
    word_id=numbers,
    label=st.from_regex(r"[A-Z_]{1,20}", fullmatch=True),
)


def test_the_names_are_those_of_the_data_format() -> None:
    assert LABEL.receipt.custom_id == f"IMAGE#{IMAGE}#RECEIPT#00001"
    assert LABEL.word.vector_id == f"IMAGE#{IMAGE}#RECEIPT#00001#LINE#00002#WORD#00003"
    assert LABEL.target_id == (
        f"IMAGE#{IMAGE}#RECEIPT#00001#LINE#00002#WORD#00003"
        "#LABEL#GRAND_TOTAL#VALIDATION_STATUS#NONE"
    )
    assert len(LABEL.target_id.split("#")) == 12
    assert LABEL.key == {
        "PK": f"IMAGE#{IMAGE}",
        "SK": "RECEIPT#00001#LINE#00002#WORD#00003#LABEL#GRAND_TOTAL",
    }


@given(labels)
def test_a_label_and_its_receipt_are_read_back_from_their_names(label: LabelId) -> None:
    assert LabelId.of_key(label.key["PK"], label.key["SK"]) == label
    assert ReceiptId.parse(label.receipt.custom_id) == label.receipt


@pytest.mark.parametrize(
    "name",
    [
        "",
        f"IMAGE#{IMAGE}",
        f"IMAGE#{IMAGE}#RECEIPT#1",
        f"IMAGE#{IMAGE}#RECEIPT#00001#LINE#00001",
        f"IMAGE#{IMAGE}#RECEIPT#00001\n",
        f" IMAGE#{IMAGE}#RECEIPT#00001",
        "IMAGE#77d54558#RECEIPT#00001",
    ],
)
def test_a_garbled_custom_id_names_no_receipt(name: str) -> None:
    with pytest.raises(InvalidItemError, match="names no receipt"):
        ReceiptId.parse(name)


@pytest.mark.parametrize(
    ("pk", "sk"),
    [
        (f"IMAGE#{IMAGE}", "RECEIPT#00001"),
        (f"IMAGE#{IMAGE}", "RECEIPT#00001#LINE#00002#WORD#00003#LABEL#grand total"),
        ("BATCH#1", "STATUS"),
    ],
)
def test_another_key_is_no_labels(pk: str, sk: str) -> None:
    with pytest.raises(InvalidItemError, match="is no label's key"):
        LabelId.of_key(pk, sk)
