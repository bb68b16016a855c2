"""What Pinecone shows of a word, from the word's labels."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.completions.entities import ReceiptWordLabel
from functions.completions.projection.metadata import word_metadata
from functions.completions.vocabulary import CoreLabel, ValidationStatus
from tests.functions.completions.projection.projected_words import label

NONE, PENDING = ValidationStatus.NONE, ValidationStatus.PENDING
VALID, INVALID = ValidationStatus.VALID, ValidationStatus.INVALID
NEEDS_REVIEW = ValidationStatus.NEEDS_REVIEW

labels_of_a_word = st.lists(
    st.builds(
        lambda name, status, added: label(name=name, status=status, added=added),
        st.sampled_from(CoreLabel),
        st.sampled_from(ValidationStatus),
        st.integers(1, 3),
    ),
    unique_by=lambda each: each.id.label,
)


@pytest.mark.parametrize(
    ("labels", "valid", "invalid", "proposed"),
    [
        ([], [], [], ""),
        ([("TAX", VALID, 1)], ["TAX"], [], ""),
        ([("TIP", VALID, 1), ("TAX", VALID, 2)], ["TAX", "TIP"], [], ""),
        ([("DATE", INVALID, 1), ("TIME", NONE, 2)], [], ["DATE"], "TIME"),
        ([("DATE", NONE, 2), ("TIME", PENDING, 1)], [], [], "DATE"),
        ([("DATE", PENDING, 1), ("TIME", NONE, 1)], [], [], "TIME"),
        ([("DATE", NEEDS_REVIEW, 1)], [], [], ""),
    ],
    ids=["none", "valid", "sorted", "correction", "newest", "by name", "a person's turn"],
)
def test_a_words_metadata(labels: Any, valid: Any, invalid: Any, proposed: str) -> None:
    of_word = [label(name=name, status=status, added=added) for name, status, added in labels]
    assert word_metadata(of_word) == {
        "valid_labels": valid,
        "invalid_labels": invalid,
        "proposed_label": proposed,
    }


@given(labels_of_a_word, st.randoms())
def test_it_does_not_depend_on_the_order_of_the_labels(
    labels: list[ReceiptWordLabel], order: random.Random
) -> None:
    shuffled = order.sample(labels, len(labels))
    assert word_metadata(shuffled) == word_metadata(labels)


@given(labels_of_a_word)
def test_all_keys_are_there_and_each_label_is_in_its_place(labels: list[ReceiptWordLabel]) -> None:
    metadata = word_metadata(iter(labels))
    by_status = {
        status: {each.id.label for each in labels if each.validation_status is status}
        for status in ValidationStatus
    }
    waiting = [each for each in labels if each.validation_status in (NONE, PENDING)]

    assert metadata.keys() == {"valid_labels", "invalid_labels", "proposed_label"}
    assert metadata["valid_labels"] == sorted(by_status[VALID])
    assert metadata["invalid_labels"] == sorted(by_status[INVALID])
    if waiting:
        newest = max(each.timestamp_added for each in waiting)
        of_newest = [each.id.label for each in waiting if each.timestamp_added == newest]
        assert metadata["proposed_label"] == max(of_newest)
    else:
        assert metadata["proposed_label"] == ""
