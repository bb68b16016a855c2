"""Receipts and labels from files: refused where they are wrong, and imported once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.completions.vocabulary import ValidationStatus
from local.aws import CREDENTIALS, Aws
from local.demo.labels.accounts import label_complaints
from local.demo.labels.reading import LabelSnapshot, read_label_table
from local.demo.labels.scenario import LABELS, RECEIPTS
from local.receipts.destination import Destination
from local.receipts.files import ReceiptsError, read_labels, read_receipts
from local.receipts.importing import Imported, import_receipts
from local.standins.pinecone import Fault, PineconeStandIn
from tests.functions.completions.tables import create_label_table

IMAGE = "77d54558-60e9-588f-b59d-b48ccb1181d8"
RECEIPT: dict[str, Any] = {
    "image_id": IMAGE,
    "receipt_id": 1,
    "source": "001",
    "lines": [
        {
            "line_id": 1,
            "box": [1, 2, 3, 4, 5, 6, 7, 8],
            "text": "R&D Käse 4.20",
            "words": [
                {"word_id": n, "text": text} for n, text in enumerate(["R&D", "Käse", "4.20"], 1)
            ],
        }
    ],
    "key": {"company": "R&D Käse", "total": "4.20"},
}
LABEL: dict[str, Any] = {
    "image_id": IMAGE,
    "receipt_id": 1,
    "line_id": 1,
    "word_id": 3,
    "text": "4.20",
    "proposed_label": "GRAND_TOTAL",
    "is_valid": True,
    "correct_label": None,
}


@pytest.fixture
def index() -> Iterator[PineconeStandIn]:
    with PineconeStandIn() as standin:
        yield standin


@pytest.fixture
def destination(aws: Aws, index: PineconeStandIn, request: pytest.FixtureRequest) -> Destination:
    name = f"labels-{request.node.name[:60]}".replace("[", "-").replace("]", "")
    create_label_table(aws.client("dynamodb"), name)
    return Destination(
        label_table_name=name,
        aws_endpoint_url=aws.endpoint_url,
        aws_region=aws.region,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        pinecone_host=index.host,
        pinecone_namespace="words",
    )


def written(directory: Path, name: str, *rows: Any) -> Path:
    file = directory / name
    file.write_text(
        "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    )
    return file


def add(destination: Destination, receipts: Path, labels: Path, *, at: float = 0) -> Imported:
    read = read_receipts(receipts)
    with destination.pinecone().index() as index:
        return import_receipts(
            read,
            read_labels(labels, read),
            table=destination.table(),
            index=index,
            namespace=destination.pinecone_namespace,
            clock=lambda: at,
        )


def look(destination: Destination) -> LabelSnapshot:
    return read_label_table(destination.dynamodb(), destination.label_table_name)


def test_the_sample_receipts_are_imported_with_a_vector_for_each_word(
    destination: Destination, index: PineconeStandIn
) -> None:
    imported = add(destination, RECEIPTS, LABELS)

    words = [word for r in read_receipts(RECEIPTS) for line in r.lines for word in line.words]
    assert (imported.receipts, imported.new_labels) == (8, imported.labels)
    assert imported.new_vectors == len(words) == len(index.vectors("words"))
    snapshot = look(destination)
    assert snapshot.statuses["NONE"] == imported.labels
    assert not any(snapshot.statuses[status] for status in ValidationStatus if status != "NONE")
    metadata = {
        word: index.vectors("words")[word.vector_id].metadata for word in snapshot.metadata()
    }
    shown = [line for line in label_complaints(snapshot, metadata) if line.startswith("the vector")]
    assert shown == []


def test_importing_again_changes_nothing(
    destination: Destination, index: PineconeStandIn, tmp_path: Path
) -> None:
    receipts, labels = written(tmp_path, "r", RECEIPT), written(tmp_path, "l", LABEL)
    add(destination, receipts, labels)
    [label] = look(destination).labels.values()
    destination.table().update(label.id.key, {"validation_status": "VALID"})
    before, vectors = look(destination), index.vectors("words")

    imported = add(destination, receipts, labels, at=99)

    assert (imported.new_labels, imported.new_vectors) == (0, 0)
    assert look(destination) == before
    assert index.vectors("words") == vectors


def test_a_label_that_comes_to_a_word_with_a_vector_is_marked(
    destination: Destination, tmp_path: Path
) -> None:
    receipts = written(tmp_path, "r", RECEIPT)
    add(destination, receipts, written(tmp_path, "none"))

    add(destination, receipts, written(tmp_path, "l", LABEL))

    [label] = look(destination).labels.values()
    assert label.projection


def test_without_pinecone_the_labels_are_imported_all_the_same(
    destination: Destination, tmp_path: Path
) -> None:
    read = read_receipts(written(tmp_path, "r", RECEIPT))
    labels = read_labels(written(tmp_path, "l", LABEL, LABEL), read)

    imported = import_receipts(
        read,
        labels,
        table=destination.table(),
        index=None,
        namespace="",
        clock=lambda: 0,
    )

    assert (imported.new_labels, imported.new_vectors) == (1, 0)
    [label] = look(destination).labels.values()
    assert label.projection is None


def test_vectors_that_pinecone_refuses_are_an_error_and_no_label_is_imported(
    destination: Destination, index: PineconeStandIn, tmp_path: Path
) -> None:
    index.faults.add(Fault(operation="upsert", status=400, times=None))
    receipts, labels = written(tmp_path, "r", RECEIPT), written(tmp_path, "l", LABEL)

    with pytest.raises(ReceiptsError, match="Pinecone refused vectors"):
        add(destination, receipts, labels)

    assert look(destination).labels == {}


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{", "line 2: the line: "),
        ({**RECEIPT, "image_id": "1"}, "line 2: image_id: "),
        ({**RECEIPT, "receipt_id": 0}, "line 2: receipt_id: "),
        ({**RECEIPT, "lines": [{"line_id": 1}]}, "line 2: lines.0.text: "),
    ],
)
def test_a_receipt_that_is_none_is_refused_with_its_line(
    tmp_path: Path, row: Any, complaint: str
) -> None:
    with pytest.raises(ReceiptsError, match=complaint):
        read_receipts(written(tmp_path, "receipts.jsonl", RECEIPT, row))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"proposed_label": "BARCODE"}, "line 1: proposed_label: "),
        ({"word_id": 4}, "line 1: no receipt has the word IMAGE#"),
        ({"line_id": "first"}, "line 1: line_id: "),
    ],
)
def test_a_label_that_is_none_is_refused_with_its_line(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    receipts = read_receipts(written(tmp_path, "r", RECEIPT))

    with pytest.raises(ReceiptsError, match=complaint):
        read_labels(written(tmp_path, "l", {**LABEL, **change}), receipts)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReceiptsError, match=r"none\.jsonl cannot be read: No such file"):
        read_receipts(tmp_path / "none.jsonl")


def test_the_destination_is_what_up_wrote(tmp_path: Path, destination: Destination) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(destination.model_dump_json(by_alias=True))

    assert Destination.read(file) == destination


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "start one with `python -m local up`"), ("{}", "is not what")]
)
def test_without_a_stack_there_is_nowhere_to_import_to(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    file = tmp_path / "outputs.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ReceiptsError, match=complaint):
        Destination.read(file)
