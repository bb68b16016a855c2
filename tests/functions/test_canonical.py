"""Equal values have one spelling."""

import hashlib
import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from functions.canonical import canonical_json, digest

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def reordered(value: Any, order: random.Random) -> Any:
    """The same value with the keys of each object in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        order.shuffle(items)
        return {key: reordered(inner, order) for key, inner in items}
    if isinstance(value, list):
        return [reordered(inner, order) for inner in value]
    return value


@given(VALUES, st.randoms())
def test_equal_values_have_equal_text_and_digest_whatever_the_order_of_their_keys(
    value: Any, order: random.Random
) -> None:
    other = reordered(value, order)

    assert canonical_json(other) == canonical_json(value)
    assert digest(other) == digest(value)


@given(VALUES)
def test_the_text_is_the_value_so_that_different_values_have_different_texts(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value


def test_the_text_has_no_white_space_and_its_letters_as_they_are() -> None:
    value = {"b": [1, {"d": None, "c": "Käse"}], "a": "x y"}

    assert canonical_json(value) == '{"a":"x y","b":[1,{"c":"Käse","d":null}]}'


def test_a_digest_is_the_sha_256_of_the_text_in_utf_8() -> None:
    assert digest("Käse") == hashlib.sha256('"Käse"'.encode()).hexdigest()


def test_text_that_utf_8_cannot_hold_has_a_digest_of_its_own() -> None:
    assert digest("\ud800") != digest("\ud801")
