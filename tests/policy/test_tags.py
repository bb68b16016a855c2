"""Every resource that takes tags has the three."""

import pytest

from rules.reading.types import QUEUE, SCHEDULE
from rules.tags import RULE
from tests.policy.seen import complaints, seen

TAGS = {"project": "openai-batch-flows", "stack": "dev", "owner": "platform"}


def test_a_tagged_resource_is_right() -> None:
    assert complaints(RULE, seen(QUEUE, "work", {"tags": {**TAGS, "of": "its own"}})) == []


@pytest.mark.parametrize("missing", TAGS)
@pytest.mark.parametrize("value", [None, "", "another"])
def test_a_resource_without_one_of_the_tags_is_wrong(missing: str, value: str | None) -> None:
    resource = seen(QUEUE, "work", {"tags": {**TAGS, missing: value}})
    right = missing == "owner" and value
    assert len(complaints(RULE, resource)) == (0 if right else 1)


def test_a_type_that_nobody_has_thought_of_has_to_have_tags() -> None:
    assert len(complaints(RULE, seen("aws:kms/key:Key", "key", {}))) == 3


@pytest.mark.parametrize("token", [SCHEDULE, "pulumi:providers:aws", "test:index:Component"])
def test_what_takes_no_tags_needs_none(token: str) -> None:
    assert complaints(RULE, seen(token, "untagged", {})) == []
