"""The Pinecone stand-in, through the real SDK."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pinecone import ApiError, Index
from pinecone.models.vectors.vector import Vector

from local.standins.pinecone import PineconeStandIn
from tests.pinecone_sdk import open_index

WORDS = "words"


@pytest.fixture
def standin() -> Iterator[PineconeStandIn]:
    with PineconeStandIn() as running:
        yield running


@pytest.fixture
def index(standin: PineconeStandIn) -> Iterator[Index]:
    with open_index(standin.host) as opened:
        yield opened


def vector(id_: str, values: Sequence[float] = (1, 0), **metadata: Any) -> Vector:
    return Vector(id=id_, values=[float(value) for value in values], metadata=metadata)


def refusal(caught: pytest.ExceptionInfo[ApiError]) -> tuple[int, int]:
    """HTTP's status and gRPC's code of a refusal in the wire's shape."""
    body = caught.value.body
    assert body is not None
    assert body.keys() == {"code", "message", "details"}
    return caught.value.status_code, body["code"]


def test_what_is_upserted_can_be_fetched_and_what_is_not_there_is_left_out(index: Index) -> None:
    answer = index.upsert(vectors=[vector("a", text="R&D"), vector("b")], namespace=WORDS)

    fetched = index.fetch(ids=["a", "b", "c"], namespace=WORDS)

    assert answer.upserted_count == 2
    assert fetched.namespace == WORDS
    assert fetched.vectors.keys() == {"a", "b"}
    assert fetched.vectors["a"].values == [1, 0]
    assert fetched.vectors["a"].metadata == {"text": "R&D"}


def test_namespaces_are_apart(index: Index, standin: PineconeStandIn) -> None:
    index.upsert(vectors=[vector("a")], namespace=WORDS)
    index.upsert(vectors=[vector("b")])

    assert index.fetch(ids=["a", "b"]).vectors.keys() == {"b"}
    assert standin.vectors(WORDS).keys() == {"a"}
    assert standin.vectors("").keys() == {"b"}


def test_an_upsert_replaces_the_whole_vector(index: Index, standin: PineconeStandIn) -> None:
    index.upsert(vectors=[vector("a", old="x")], namespace=WORDS)
    index.upsert(vectors=[vector("a", (0, 1), new="y")], namespace=WORDS)

    assert standin.vectors(WORDS)["a"].values == (0, 1)
    assert standin.vectors(WORDS)["a"].metadata == {"new": "y"}


def test_an_upsert_with_one_bad_vector_stores_none(index: Index, standin: PineconeStandIn) -> None:
    with pytest.raises(ApiError):
        index.upsert(vectors=[vector("a"), vector("b", (1, 0, 0))], namespace=WORDS)

    assert not standin.vectors(WORDS)


def test_many_vectors_go_in_as_the_sdk_batches_them(index: Index, standin: PineconeStandIn) -> None:
    vectors = [vector(str(number)) for number in range(250)]

    answer = index.upsert(vectors=vectors, namespace=WORDS, batch_size=100, show_progress=False)

    assert not answer.has_errors
    assert len(standin.vectors(WORDS)) == 250
    assert standin.calls.count("upsert", status=200) == 3


def test_an_update_merges_metadata_and_leaves_the_values(
    index: Index, standin: PineconeStandIn
) -> None:
    index.upsert(vectors=[vector("a", text="5.00", valid_labels=["TAX"])], namespace=WORDS)

    index.update(id="a", set_metadata={"valid_labels": [], "proposed_label": ""}, namespace=WORDS)

    assert standin.vectors(WORDS)["a"].metadata == {
        "text": "5.00",
        "valid_labels": [],
        "proposed_label": "",
    }
    assert standin.vectors(WORDS)["a"].values == (1, 0)


def test_an_update_of_an_unknown_id_is_silent_and_creates_nothing(
    index: Index, standin: PineconeStandIn
) -> None:
    answer = index.update(id="nobody", set_metadata={"a": "b"}, namespace=WORDS)

    assert answer.matched_records is None
    assert not standin.vectors(WORDS)


def test_values_are_updated_alone(index: Index, standin: PineconeStandIn) -> None:
    index.upsert(vectors=[vector("a", text="x")], namespace=WORDS)
    index.update(id="a", values=[0, 1], namespace=WORDS)

    assert standin.vectors(WORDS)["a"].values == (0, 1)
    assert standin.vectors(WORDS)["a"].metadata == {"text": "x"}


@pytest.mark.parametrize(
    "value", [None, {"nested": 1}, [1, 2], ["a", None]], ids=["null", "object", "numbers", "mixed"]
)
def test_metadata_is_flat_and_without_null(
    index: Index, standin: PineconeStandIn, value: Any
) -> None:
    index.upsert(vectors=[vector("a", key="old")], namespace=WORDS)

    with pytest.raises(ApiError, match="for field 'key'") as caught:
        index.update(id="a", set_metadata={"key": value, "other": "new"}, namespace=WORDS)

    assert refusal(caught) == (400, 3)
    assert standin.vectors(WORDS)["a"].metadata == {"key": "old"}


def test_metadata_of_a_vector_has_forty_kilobytes_in_all(index: Index) -> None:
    index.upsert(vectors=[vector("a", first="x" * 30_000)], namespace=WORDS)

    with pytest.raises(ApiError, match="exceeds the limit of 40960 bytes") as caught:
        index.update(id="a", set_metadata={"second": "x" * 11_000}, namespace=WORDS)

    assert refusal(caught) == (400, 3)


@pytest.mark.parametrize(
    ("values", "message"),
    [([1, 0, 0], "Vector dimension 3 does not match"), ([0, 0], "at least one non-zero value")],
)
def test_values_fit_the_index(index: Index, values: list[float], message: str) -> None:
    index.upsert(vectors=[vector("a")], namespace=WORDS)
    with pytest.raises(ApiError, match=message) as caught:
        index.upsert(vectors=[vector("b", values)], namespace=WORDS)
    assert refusal(caught) == (400, 3)


def test_an_index_may_have_its_dimension_from_the_start() -> None:
    with (
        PineconeStandIn(dimension=3) as standin,
        open_index(standin.host) as index,
    ):
        assert index.describe_index_stats().dimension == 3
        with pytest.raises(ApiError, match="the dimension of the index 3"):
            index.upsert(vectors=[vector("a")], namespace=WORDS)


def test_a_request_has_limits(index: Index) -> None:
    with pytest.raises(ApiError, match="At most 1000 vectors"):
        index.upsert(vectors=[vector(str(number)) for number in range(1001)], namespace=WORDS)
    with pytest.raises(ApiError, match="2MB") as caught:
        index.upsert(vectors=[vector("a", text="x" * 2_200_000)], namespace=WORDS)
    assert caught.value.status_code == 413


def test_stats_count_each_namespace(index: Index) -> None:
    assert index.describe_index_stats().dimension is None
    index.upsert(vectors=[vector("a"), vector("b")], namespace=WORDS)
    index.upsert(vectors=[vector("c")])

    stats = index.describe_index_stats()

    assert stats.dimension == 2
    assert stats.total_vector_count == 3
    counts = {name: summary.vector_count for name, summary in stats.namespaces.items()}
    assert counts == {WORDS: 2, "__default__": 1}


class TestQuery:
    """By cosine, the nearest first."""

    @pytest.fixture(autouse=True)
    def vectors(self, index: Index) -> None:
        index.upsert(
            vectors=[
                vector("east", (2, 0), valid_labels=["TAX", "DATE"], text="5.00"),
                vector("north-east", (1, 1), valid_labels=["DATE"], text="x"),
                vector("north", (0, 3), valid_labels=[], text="5.00"),
            ],
            namespace=WORDS,
        )

    def test_the_nearest_come_first(self, index: Index) -> None:
        answer = index.query(top_k=2, vector=[1, 0], namespace=WORDS)

        assert [match.id for match in answer.matches] == ["east", "north-east"]
        assert [match.score for match in answer.matches] == pytest.approx([1, math.sqrt(0.5)])
        assert answer.matches[0].metadata is None, "it was not asked for"

    def test_a_stored_vector_can_be_asked_about(self, index: Index) -> None:
        answer = index.query(top_k=1, id="north", namespace=WORDS, include_metadata=True)

        assert [match.id for match in answer.matches] == ["north"]
        assert answer.matches[0].metadata == {"valid_labels": [], "text": "5.00"}
        assert not index.query(top_k=1, id="nobody", namespace=WORDS).matches

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ({"valid_labels": "DATE"}, {"east", "north-east"}),
            ({"valid_labels": {"$eq": "TAX"}}, {"east"}),
            ({"valid_labels": {"$in": ["TAX", "TIP"]}, "text": "5.00"}, {"east"}),
            ({"valid_labels": "TAX", "text": "x"}, set()),
        ],
    )
    def test_a_filter_lets_through_what_fits(
        self, index: Index, wanted: dict[str, Any], found: set[str]
    ) -> None:
        answer = index.query(top_k=9, vector=[1, 1], namespace=WORDS, filter=wanted)
        assert {match.id for match in answer.matches} == found

    def test_a_filter_that_is_not_known_is_refused_and_not_ignored(self, index: Index) -> None:
        with pytest.raises(ApiError, match="know \\$eq and \\$in"):
            index.query(top_k=9, vector=[1, 1], namespace=WORDS, filter={"text": {"$ne": "x"}})
