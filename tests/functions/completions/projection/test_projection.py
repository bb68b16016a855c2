"""Pinecone is brought in line with the label table, and marks go when it is."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from functions.clients.dynamodb import Item, Table
from functions.completions.entities import MARK_SHARDS
from functions.completions.projection.pace import Pace
from functions.completions.projection.projecting import Projected, anything_unprojected
from functions.completions.vocabulary import ValidationStatus
from functions.errors import AwsUnavailableError
from tests.functions.completions.projection.projected_words import (
    IMAGE,
    NAMESPACE,
    HookedIndex,
    LaggingTable,
    Words,
    label,
    once,
    word,
    words_in,
)

NONE, VALID = ValidationStatus.NONE, ValidationStatus.VALID
INVALID, NEEDS_REVIEW = ValidationStatus.INVALID, ValidationStatus.NEEDS_REVIEW
OTHER_IMAGE = "0a345fdd-ecce-4577-b3d3-869140451f43"
NOTHING = Projected(projected=0, missing=0, failed=0, remaining=False)


@pytest.fixture
def words(label_table: Table) -> Iterator[Words]:
    with words_in(label_table) as found:
        yield found


def all_of(projected: int) -> Projected:
    return Projected(projected=projected, missing=0, failed=0, remaining=False)


class TestAWord:
    """What is written for a word, and when its marks go."""

    def test_shows_all_its_labels_and_loses_its_mark(self, words: Words) -> None:
        words.add(
            label(name="DATE", status=INVALID),
            label(name="TIME", status=NONE, version=None),
            label(name="TAX", status=VALID, version=None),
            label(name="TIP", status=NEEDS_REVIEW, version=None),
        )
        assert anything_unprojected(words.table)

        assert words.project() == all_of(1)

        assert words.metadata() == {
            "text": "x",
            "valid_labels": ["TAX"],
            "invalid_labels": ["DATE"],
            "proposed_label": "TIME",
        }
        assert not words.marks()
        assert not anything_unprojected(words.table)

    def test_loses_nothing_but_its_mark(self, words: Words) -> None:
        marked = label()
        words.add(marked)

        words.project()

        unmarked = marked.model_copy(update={"projection": None})
        assert words.table.get(marked.id.key) == unmarked.to_item()

    def test_shows_no_label_any_more_that_is_a_persons_to_review(self, words: Words) -> None:
        words.add(label(status=NONE))
        words.project()
        words.add_labels(label(status=NEEDS_REVIEW, version="b-2"))

        assert words.project() == all_of(1)

        assert words.metadata()["proposed_label"] == ""

    def test_with_several_marks_is_written_once(self, words: Words) -> None:
        words.add(label(name="DATE"), label(name="TIME", version="b-2"))

        assert words.project() == all_of(1)

        assert words.pinecone.calls.count("update") == 1
        assert not words.marks()

    def test_without_a_mark_is_not_asked_about(self, words: Words) -> None:
        words.add_labels(label(version=None))

        assert not anything_unprojected(words.table)
        assert words.project() == NOTHING

        assert not words.pinecone.calls

    @pytest.mark.parametrize("there", [True, False], ids=["unmarked", "gone"])
    def test_whose_mark_only_the_index_still_shows_is_left_alone(
        self, words: Words, *, there: bool
    ) -> None:
        if there:
            words.add(label(version=None))
        lagging = LaggingTable(words, [label().to_item()])

        assert words.project(table=lagging) == NOTHING

        assert words.pinecone.calls.count("update") == 0
        assert (words.table.get(label().id.key) is not None) is there

    def test_that_changes_while_it_is_written_is_written_again(self, words: Words) -> None:
        words.add(label(status=NONE), label(name="TIME", status=NONE))
        changed = label(status=VALID, version="b-2")
        index = HookedIndex(words, after=once(lambda: words.add_labels(changed)))

        assert words.project(index=index) == all_of(2)

        assert words.metadata()["valid_labels"] == ["DATE"]
        assert words.metadata()["proposed_label"] == "TIME"
        assert not words.marks()

    def test_that_changes_while_it_is_written_does_not_keep_others_marked(
        self, words: Words
    ) -> None:
        words.add(label(word(1)), label(word(2)))
        changed = label(word(1), version="b-2")
        index = HookedIndex(words, after=once(lambda: words.add_labels(changed)))
        stopping = StoppingTable(words.table._client, words.table.name)

        with pytest.raises(AwsUnavailableError):
            words.project(index=index, table=stopping)

        assert words.marks() == {changed.id.text}

    def test_is_not_written_anew_before_the_old_write_has_ended(self, words: Words) -> None:
        """Or the older state could arrive last."""
        words.add(label(status=NONE))
        writes: list[str] = []
        second = threading.Event()

        def before(vector_id: str) -> None:
            writes.append(vector_id)
            if len(writes) == 1:
                words.add_labels(label(status=VALID, version="b-2"))
                second.wait(0.5)
            else:
                second.set()

        words.project(index=HookedIndex(words, before=before))

        assert len(writes) == 2
        assert words.metadata()["valid_labels"] == ["DATE"]

    def test_that_was_written_but_not_unmarked_is_written_again_and_the_same(
        self, words: Words
    ) -> None:
        words.add(label(status=INVALID), label(name="TIME", status=NONE, version=None))
        with pytest.raises(AwsUnavailableError):
            words.project(table=StuckTable(words.table._client, words.table.name))
        written, marks = words.metadata(), words.marks()

        assert words.project() == all_of(1)

        assert written["invalid_labels"] == ["DATE"]
        assert marks == {label().id.text}
        assert words.metadata() == written
        assert not words.marks()


class TestManyWords:
    """More than one bundle of them."""

    def test_are_written_once_each_and_looked_for_by_the_hundred(self, words: Words) -> None:
        receipts = [(IMAGE, 1, 60), (IMAGE, 2, 60), (OTHER_IMAGE, 1, 10)]
        add(words, *receipts)
        pace = CountingPace(10_000)

        assert words.project(pace=pace) == all_of(130)

        vectors = words.pinecone.vectors(NAMESPACE).values()
        updates, fetches = words.pinecone.calls.of("update"), words.pinecone.calls.of("fetch")
        assert all(vector.metadata["valid_labels"] == ["DATE"] for vector in vectors)
        assert len({call.body["id"] for call in updates}) == len(updates) == 130
        assert [len(call.body["ids"]) for call in fetches] == [100, 30]
        assert pace.turns == 130
        assert not words.marks()

    def test_that_are_left_when_the_time_ends_keep_their_marks(self, words: Words) -> None:
        add(words, (IMAGE, 1, 40), (IMAGE, 2, 40))
        clock = SteppingClock()
        index = HookedIndex(words, after=lambda _: clock.step())

        first = words.project(index=index, clock=clock, seconds=45 + 30)

        assert first.remaining
        # When the time ended, each thread may have had one in hand.
        assert 30 < first.projected <= 31 + 16
        assert len(words.marks()) == 80 - first.projected
        assert words.project() == all_of(80 - first.projected)

    def test_are_left_alone_when_there_is_no_time_to_begin(self, words: Words) -> None:
        add(words, (IMAGE, 1, 3))
        assert words.project(seconds=44) == NOTHING, "without progress, nobody should ask again"
        assert len(words.marks()) == 3
        assert not words.pinecone.calls.count("fetch")

    def test_that_are_marked_meanwhile_are_written_by_the_same_run(self, words: Words) -> None:
        add(words, (IMAGE, 2, 110))
        late = label(word(7, receipt=1))
        words.add_vectors([late.id.word])
        index = HookedIndex(words, before=once(lambda: words.add_labels(late)))

        assert words.project(index=index) == all_of(111)

        assert words.metadata(late.id.word)["valid_labels"] == ["DATE"]


def add(words: Words, *receipts: tuple[str, int, int]) -> None:
    """So many marked words of each receipt of an image."""
    words.add(
        *(
            label(word(number, receipt=receipt, image=image))
            for image, receipt, count in receipts
            for number in range(1, count + 1)
        )
    )


class StuckTable(Table):
    """A table that takes no transaction."""

    def write_all(self, *_actions: Any) -> frozenset[int]:
        raise AwsUnavailableError("not now")


class StoppingTable(Table):
    """A table whose index is listed once."""

    listed = 0

    def query(self, key: Any, *, index: str | None = None, **options: Any) -> Iterator[Item]:
        self.listed += index is not None
        if self.listed > MARK_SHARDS:
            raise AwsUnavailableError("not now")
        return super().query(key, index=index, **options)


class CountingPace(Pace):
    """A pace that counts its turns."""

    turns = 0

    def turn(self) -> None:
        super().turn()
        self.turns += 1


class SteppingClock:
    """A clock that goes on by a second when it is told to; for all threads."""

    def __init__(self) -> None:
        self._now = 1_800_000_000.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self._now

    def step(self) -> None:
        with self._lock:
            self._now += 1
