"""What cannot be projected keeps its mark, is counted, and disturbs no other word."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.clients.dynamodb import Table
from functions.completions.entities import UNPROJECTED
from functions.completions.projection import projecting
from functions.completions.projection.projecting import Projected, retry_missing
from functions.errors import LeaseHeldError, PineconeRejectedError, PineconeUnavailableError
from functions.observability import metrics
from local.standins.openai import ApiRequest
from local.standins.pinecone import Fault
from tests.functions.completions.projection.projected_words import (
    PINECONE_KEY,
    HookedIndex,
    LaggingTable,
    Words,
    label,
    once,
    word,
    words_in,
)
from tests.functions.conftest import LogLines

NOTHING = Projected(projected=0, missing=0, failed=0, remaining=False)


@pytest.fixture
def words(label_table: Table) -> Iterator[Words]:
    with words_in(label_table) as found:
        yield found


def outcome(projected: int = 0, *, missing: int = 0, failed: int = 0) -> Projected:
    return Projected(projected=projected, missing=missing, failed=failed, remaining=False)


def beyond(number: int) -> Any:
    """Whether an update is of a word with a greater number."""

    def when(request: ApiRequest) -> bool:
        return int(request.body["id"].rpartition("#")[2]) > number

    return when


class TestAWordWithoutAVector:
    """Pinecone itself would say nothing."""

    @pytest.fixture
    def lost(self, words: Words) -> Words:
        words.add(label(word(1)))
        words.add_labels(label(word(2)), label(word(2), "TIME"), label(word(3)))
        words.pinecone.calls.clear()
        return words

    def test_is_reported_and_not_tried_by_every_run(self, lost: Words, logged: LogLines) -> None:
        assert lost.project() == outcome(1, missing=2)
        assert lost.project() == NOTHING

        assert lost.pinecone.calls.count("fetch") == 1
        assert lost.pinecone.calls.count("update") == 1
        assert not lost.marks()
        assert len(lost.missing()) == 3
        [line] = [line for line in logged() if "vector_ids" in line]
        assert line["vector_ids"] == [word(2).vector_id, word(3).vector_id]

    def test_is_tried_again_on_request(self, lost: Words) -> None:
        lost.project()
        lost.add_vectors([word(2)])

        assert retry_missing(lost.table) == 3
        assert lost.project() == outcome(1, missing=1)

        assert lost.metadata(word(2))["valid_labels"] == ["DATE", "TIME"]
        assert lost.missing() == {label(word(3)).id.text}

    def test_is_projected_when_a_label_changes_and_there_is_a_vector_now(self, lost: Words) -> None:
        lost.project()
        lost.add_vectors([word(2)])
        lost.add_labels(label(word(2), version="b-2"))

        assert lost.project() == outcome(1)

        assert lost.metadata(word(2))["valid_labels"] == ["DATE", "TIME"]
        assert lost.missing() == {label(word(3)).id.text}

    def test_that_changes_while_it_is_looked_for_is_looked_for_again(self, lost: Words) -> None:
        changed = once(lambda: lost.add_labels(label(word(3), version="b-2")))

        class Changing(HookedIndex):
            def existing(self, ids: Any) -> set[str]:
                found = super().existing(ids)
                changed("")
                return found

        assert lost.project(index=Changing(lost)) == outcome(1, missing=3)

        item = lost.table.get(label(word(3)).id.key)
        assert item is not None
        assert item["projection"] == "b-2"
        assert label(word(3)).id.text in lost.missing()

    def test_whose_mark_has_gone_gets_none_by_being_tried_again(self, lost: Words) -> None:
        lost.project()
        shown = [lost.table.get(label(word(2)).id.key)]
        lost.add_vectors([word(2)])
        retry_missing(lost.table)
        lost.project()

        lagging = LaggingTable(lost, [item for item in shown if item])

        assert retry_missing(lagging) == 1, "word 3"
        assert label(word(2)).id.text not in lost.marks()


class TestPineconesTrouble:
    """A write that failed."""

    @pytest.fixture
    def many(self, words: Words) -> Words:
        words.add(*(label(word(number)) for number in range(1, 51)))
        words.pinecone.calls.clear()
        return words

    def test_a_word_that_is_refused_is_reported_and_keeps_its_mark(
        self, many: Words, logged: LogLines
    ) -> None:
        many.pinecone.faults.add(
            Fault(operation="update", status=400, message="Not so.", when=beyond(48), times=None)
        )

        assert many.project() == outcome(48, failed=2)

        assert many.marks() == {label(word(49)).id.text, label(word(50)).id.text}
        reported = [line for line in logged() if line["message"] == "a word could not be projected"]
        assert {line["vector_id"] for line in reported} == {
            word(49).vector_id,
            word(50).vector_id,
        }
        assert all("Not so." in line["detail"] for line in reported)

        many.pinecone.faults.clear()
        assert many.project() == outcome(2)

    def test_words_that_are_all_refused_do_not_stop_those_after_them(self, many: Words) -> None:
        many.pinecone.faults.add(Fault(operation="update", status=400, times=25))
        assert many.project() == outcome(25, failed=25)

    def test_a_pinecone_that_is_down_is_left_in_peace_and_what_was_written_is_kept(
        self, many: Words
    ) -> None:
        many.pinecone.faults.add(
            Fault(operation="update", status=503, retry_after=0, when=beyond(20), times=None)
        )

        with pytest.raises(PineconeUnavailableError, match="503"):
            many.project()

        assert many.marks() == {label(word(number)).id.text for number in range(21, 51)}
        tried = {call.body["id"] for call in many.pinecone.calls.of("update") if call.status == 503}
        # Five in a row, and those that the other threads had begun.
        assert 5 <= len(tried) <= 5 + 16

        many.pinecone.faults.clear()
        assert many.project() == outcome(30), "the lease was given back"

    def test_a_few_failures_in_a_row_are_just_failures(self, many: Words) -> None:
        many.pinecone.faults.add(
            Fault(operation="update", status=503, retry_after=0, when=beyond(46), times=None)
        )

        assert many.project() == outcome(46, failed=4)

        assert len(many.marks()) == 4

    def test_failures_between_successes_are_just_failures(
        self, many: Words, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(projecting, "_THREADS", 1)  # so that they end in order
        many.pinecone.faults.add(
            Fault(
                operation="update",
                status=503,
                retry_after=0,
                when=lambda request: request.body["id"].endswith(("0", "5")),
                times=None,
            )
        )
        assert many.project() == outcome(40, failed=10)
        assert sum(metrics().metric_set["ProjectionsFailed"]["Value"]) == 10

    @pytest.mark.parametrize(
        ("status", "error"), [(503, PineconeUnavailableError), (403, PineconeRejectedError)]
    )
    def test_words_that_cannot_be_looked_for_are_not_taken_for_missing(
        self, many: Words, status: int, error: type[Exception]
    ) -> None:
        many.pinecone.faults.add(Fault(operation="fetch", status=status, retry_after=0, times=None))

        with pytest.raises(error):
            many.project()

        assert len(many.marks()) == 50
        assert not many.missing()

    def test_what_was_written_is_unmarked_though_the_next_words_cannot_be_looked_for(
        self, many: Words
    ) -> None:
        many.add(*(label(word(number)) for number in range(51, 102)))
        many.pinecone.faults.add(
            Fault(operation="fetch", status=400, when=lambda r: len(r.body["ids"]) == 1)
        )

        with pytest.raises(PineconeRejectedError):
            many.project()

        assert many.marks() == {label(word(101)).id.text}


class TestABrokenItem:
    """Mending it is for a person."""

    @pytest.mark.parametrize(
        "change",
        [{"validation_status": "MAYBE"}, {"SK": "RECEIPT#00001#LINE#1"}, {"projection": None}],
        ids=["status", "key", "no version"],
    )
    def test_is_reported_and_left_alone(
        self, words: Words, logged: LogLines, change: dict[str, str | None]
    ) -> None:
        words.add(label(word(1)), label(word(3)))
        item = {**label(word(2)).to_item(), **change}
        broken = {name: value for name, value in item.items() if value is not None}
        words.table.put(broken)
        words.add_vectors([word(2)])

        assert words.project() == outcome(2)

        assert words.table.get({"PK": broken["PK"], "SK": broken["SK"]}) == broken
        assert words.marks() == {label(word(2)).id.text}
        assert logged()
        assert all(str(broken["SK"]) in line["detail"] for line in logged())

    def test_that_waits_for_its_vector_does_not_keep_others_waiting(self, words: Words) -> None:
        words.add_labels(label(word(1)), label(word(2)))
        words.project()
        broken = {"timestamp_added": 7}
        item = words.table.get(label(word(1)).id.key)
        assert item is not None
        words.table.put(item | broken)

        assert retry_missing(words.table) == 1

        assert words.marks(UNPROJECTED) == {label(word(2)).id.text}


def test_there_is_one_projector_at_a_time(words: Words) -> None:
    words.add(label())
    errors: list[BaseException] = []

    def at_the_same_time() -> None:
        with pytest.raises(LeaseHeldError) as refused:
            words.project()
        errors.append(refused.value)

    index = HookedIndex(words, before=once(at_the_same_time))
    assert words.project(index=index) == outcome(1)

    assert len(errors) == 1
    assert words.pinecone.calls.count("update") == 1


def test_the_lease_outlives_every_write(words: Words) -> None:
    """It ends when the worker does, and not when it begins nothing more."""
    words.add(label())
    leases: list[Any] = []
    key = {"PK": "LEASE", "SK": "PROJECTION"}
    index = HookedIndex(words, before=lambda _: leases.append(words.table.get(key)))

    words.project(index=index, clock=lambda: 1_800_000_000, seconds=60)

    assert [lease["until"] for lease in leases] == [1_800_000_060]
    assert words.table.get(key) is None


def test_the_key_is_in_no_log_line(words: Words, logged: LogLines) -> None:
    words.add(label())
    words.pinecone.faults.add(Fault(operation="update", status=500, retry_after=0, times=None))
    words.project()
    assert logged()
    assert PINECONE_KEY not in str(logged())
