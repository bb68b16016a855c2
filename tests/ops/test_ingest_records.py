"""Documents in files: what is right is read as it is, all else is told of with its line."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.ingest.ledger import request_key
from functions.messages import DownloadRequest
from ops.errors import OpsError
from ops.ingest.documents import Gathered, gather
from ops.ingest.records import FIELDS, LISTS
from tests.ops.documents_under_way import DOCUMENT

MOST_BYTES = 1_048_576
HEADER = "domain,url,fallback,vectorStore,type"
ROW = "example.com,https://example.com/news,What is known.,news/example.com,news"

names = st.text(min_size=1, max_size=255)
parts = st.text(min_size=1).filter(lambda text: text == text.strip() and ";" not in text)
requests = st.fixed_dictionaries(
    {
        "domain": names,
        "url": st.text(max_size=200).map(lambda rest: f"https://{rest}"),
        "fallback": st.text(min_size=1),
        "vectorStore": names,
        "type": names,
    },
    optional={
        "legalName": names,
        "industries": st.lists(parts, max_size=3),
        "markets": st.lists(parts, max_size=3),
        "customerDomain": names,
        "subjectType": st.sampled_from(["customer", "competitor"]),
        "requestId": st.text(min_size=1, max_size=128),
    },
).map(DownloadRequest.parse)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents")


def read(folder: Path, name: str, content: str | bytes, **defaults: Any) -> Gathered:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return gather([str(file)], defaults, most_bytes=MOST_BYTES)


def told(gathered: Gathered) -> list[tuple[str, str, str]]:
    """The problems, their files without a folder."""
    return [(p.where.rpartition("/")[2], p.field, p.reason) for p in gathered.problems]


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """With every value in quotes, and lists as a person writes them."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELDS, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for row in rows:
        cells = {name: ";".join(row[name]) if name in LISTS else row[name] for name in FIELDS}
        writer.writerow({name: cell or "" for name, cell in cells.items()})
    return text.getvalue()


def assert_same(gathered: Gathered, asked: Sequence[DownloadRequest]) -> None:
    """Each of these was found, the first of those that are the same, and nothing else."""
    first: dict[str, DownloadRequest] = {}
    for request in asked:
        first.setdefault(request_key(request), request)
    assert gathered.problems == []
    found = [document.request for document in gathered.documents]
    assert found == list(first.values())
    assert [DownloadRequest.parse_json(document.body) for document in gathered.documents] == found
    assert len(gathered.duplicates) == len(asked) - len(found)


@given(asked=st.lists(requests, min_size=1, max_size=3))
@settings(max_examples=50)
def test_any_valid_request_is_read_from_jsonl_as_it_is(
    folder: Path, asked: list[DownloadRequest]
) -> None:
    lines = [json.dumps(request.to_wire(), ensure_ascii=False) for request in asked]
    assert_same(read(folder, "round.jsonl", "\n".join(lines)), asked)


@given(asked=st.lists(requests, min_size=1, max_size=3))
@settings(max_examples=50)
def test_any_valid_request_is_read_from_csv_as_it_is(
    folder: Path, asked: list[DownloadRequest]
) -> None:
    content = as_csv([request.to_wire() for request in asked])
    assert_same(read(folder, "round.csv", content), asked)


@pytest.mark.parametrize("name", ["any.csv", "any.jsonl"])
@given(
    content=st.binary(max_size=60)
    | st.text(max_size=60).map(str.encode)
    | st.text(max_size=60).map(lambda text: f"{HEADER}\n{text}".encode())
    | st.lists(json_values, max_size=3).map(lambda v: "\n".join(map(json.dumps, v)).encode())
)
def test_anything_else_is_told_of_with_its_line(folder: Path, name: str, content: bytes) -> None:
    gathered = read(folder, name, content)
    lines = content.count(b"\n") + content.count(b"\r") + 1
    for problem in gathered.problems:
        place = re.fullmatch(rf".*{name}:(\d+)", problem.where)
        assert place
        assert 1 <= int(place[1]) <= lines
        assert problem.reason
    for document in gathered.documents:
        DownloadRequest.parse_json(document.body)


@given(request=requests, field=st.sampled_from(sorted(DOCUMENT)))
@settings(max_examples=25)
def test_a_field_that_is_missing_is_named(
    folder: Path, request: DownloadRequest, field: str
) -> None:
    value = request.to_wire()
    del value[field]
    gathered = read(folder, "missing.jsonl", f"\n{json.dumps(value)}")
    assert told(gathered) == [("missing.jsonl:2", field, "Field required")]


@pytest.mark.parametrize(
    ("content", "where", "field", "reason"),
    [
        (f"{HEADER}\n{ROW}\n{ROW},more", "bad.csv:3", "", "has 6 cells, and the header has 5"),
        (f"{HEADER}\n{ROW}\nexample.com", "bad.csv:3", "", "has 1 cells"),
        (f'{HEADER}\na,https://b,"c\nd",e,f\na', "bad.csv:4", "", "has 1 cells"),
        (f"{HEADER},legalname\n{ROW},x", "bad.csv:1", "legalname", "is no field of a document"),
        (f"{HEADER},type\n{ROW},news", "bad.csv:1", "type", "more than once"),
        (f'{HEADER}\n{ROW}\n\n"ex"ample,a,b,c,d', "bad.csv:4", "", "is not CSV"),
        (f'{HEADER}\n{ROW}\n"example', "bad.csv:3", "", "is not CSV"),
        (f"{HEADER}\n{ROW}\n".encode() + b"\xff", "bad.csv:3", "", "is not UTF-8"),
        (f"{HEADER}\n{ROW.replace('https', 'ftp')}", "bad.csv:2", "url", "must start with http"),
        (f"{HEADER},subjectType\n{ROW},friend", "bad.csv:2", "subjectType", "'customer'"),
    ],
)
def test_what_is_wrong_with_csv_is_told(
    tmp_path: Path, content: str | bytes, where: str, field: str, reason: str
) -> None:
    [(place, name, why)] = told(read(tmp_path, "bad.csv", content))
    assert (place, name) == (where, field)
    assert reason in why


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("{", "", "is not JSON"),
        ("[]", "", "is no JSON object"),
        ("[" * 100_000, "", "is not JSON"),
        (json.dumps({**DOCUMENT, "legal_name": "x"}), "legal_name", "is no field"),
        (json.dumps({**DOCUMENT, "markets": "DACH"}), "markets", "valid list"),
        (json.dumps({**DOCUMENT, "markets": ["DACH", 1]}), "markets.1", "valid string"),
        (json.dumps({**DOCUMENT, "fallback": "x" * MOST_BYTES}), "", "the queue takes 1,048,576"),
    ],
    ids=["cut", "list", "deep", "unknown", "type", "element", "size"],
)
def test_what_is_wrong_with_jsonl_is_told_and_the_next_line_is_read(
    tmp_path: Path, line: str, field: str, reason: str
) -> None:
    gathered = read(tmp_path, "bad.jsonl", f"{json.dumps(DOCUMENT)}\n\n{line}\n[]\n")
    (place, name, why), following = told(gathered)
    assert (place, name) == ("bad.jsonl:3", field)
    assert reason in why
    assert following[0] == "bad.jsonl:4"


def test_flags_complete_urls_and_records_and_do_not_replace_what_these_say(tmp_path: Path) -> None:
    file = tmp_path / "documents.csv"
    file.write_text(
        "\ufeffurl,type,legalCompanyName,markets\nhttps://a,,Example AG,DACH; Nordics\n"
    )
    defaults = {**DOCUMENT, "url": "never", "legalName": "Nobody", "industries": ["Pumps"]}

    gathered = gather([str(file), "HTTPS://b"], defaults, most_bytes=MOST_BYTES)

    first, second = (document.request for document in gathered.documents)
    assert gathered.problems == []
    assert (first.url, first.type, first.legal_name) == ("https://a", "news", "Example AG")
    assert (first.markets, first.industries) == (["DACH", "Nordics"], ["Pumps"])
    assert (second.url, second.legal_name, second.markets) == ("HTTPS://b", "Nobody", [])
    assert [d.where for d in gathered.documents] == [f"{file}:2", "argument 2"]


def test_the_other_name_of_the_legal_name_is_read_from_jsonl_too(tmp_path: Path) -> None:
    line = json.dumps({**DOCUMENT, "legalCompanyName": "Example AG"})
    [document] = read(tmp_path, "a.jsonl", line, legalName="Nobody").documents
    assert document.request.legal_name == "Example AG"


def test_the_same_document_is_sent_once_and_its_repetitions_are_told(tmp_path: Path) -> None:
    named = {**DOCUMENT, "requestId": "r-1"}
    lines = [DOCUMENT, named, DOCUMENT, {**named, "fallback": "Another text."}]
    gathered = read(tmp_path, "twice.jsonl", "\n".join(map(json.dumps, lines)))
    file = tmp_path / "twice.jsonl"
    assert [d.where for d in gathered.documents] == [f"{file}:1", f"{file}:2"]
    assert [(d.where, d.same_as) for d in gathered.duplicates] == [
        (f"{file}:3", f"{file}:1"),
        (f"{file}:4", f"{file}:2"),
    ]


def test_a_message_has_no_character_that_sqs_refuses(tmp_path: Path) -> None:
    odd = "a\ufffeb\uffffc\x00d\x1be"
    [document] = read(tmp_path, "a.jsonl", json.dumps({**DOCUMENT, "fallback": odd})).documents
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", document.body)
    assert DownloadRequest.parse_json(document.body).fallback == odd


@pytest.mark.parametrize("source", ["documents.txt", "/none.csv", "ftp://example.com/a", "."])
def test_what_cannot_be_read_at_all_is_refused(source: str) -> None:
    with pytest.raises(OpsError, match=f"^{re.escape(source)} "):
        gather([source], {}, most_bytes=MOST_BYTES)


def test_a_missing_domain_is_one_problem() -> None:
    gathered = gather(["https://a"], {**DOCUMENT} | {"domain": ""}, most_bytes=MOST_BYTES)
    assert [problem.field for problem in gathered.problems] == ["domain"]


def test_an_argument_of_the_command_line_that_is_no_text_is_told() -> None:
    # What the shell hands over in bytes that are no UTF-8.
    gathered = gather(["https://a"], {**DOCUMENT, "fallback": "\udcff"}, most_bytes=MOST_BYTES)
    [problem] = gathered.problems
    assert (problem.where, problem.field) == ("argument 1", "fallback")
