"""Two sides of a benchmark that did not do the same are found out."""

from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.work.label_outcomes import same, updates


def test_sides_that_differ_in_anything_are_no_result() -> None:
    same({"a": 1, "b": 2}, {"b": 2, "a": 1}, "labels")

    with pytest.raises(RuntimeError, match="1 labels differ, such as b: 2 and None"):
        same({"a": 1, "b": 2}, {"a": 1}, "labels")


def pinecone(*statuses: int) -> Any:
    """One that was called every ten milliseconds."""
    return SimpleNamespace(
        calls=[
            SimpleNamespace(
                operation="update", status=status, started=n / 100, body={"namespace": "ours"}
            )
            for n, status in enumerate(statuses)
        ]
    )


def test_a_rate_is_of_updates_that_were_taken() -> None:
    assert updates(pinecone(*[200] * 11), "ours") == pytest.approx((100, 0))
    assert updates(pinecone(200, 429, 200), "ours") == pytest.approx((50, 1))
