"""How the OpenAI stand-in's file batches go, as planned."""

from typing import Any

import pytest
from openai import OpenAI
from openai.types.vector_stores import VectorStoreFileBatch

from local.standins.openai import BatchPlan, FileFailure, OpenAIStandIn


def new_batch(client: OpenAI, *names: str) -> VectorStoreFileBatch:
    """A batch in a new store, of files with these names."""
    store = client.vector_stores.create(name="s")
    files = [
        client.files.create(file=(name, b"A sentence."), purpose="assistants").id
        for name in names or ("a.md", "b.md")
    ]
    return client.vector_stores.file_batches.create(store.id, file_ids=files)


def retrieve(client: OpenAI, batch: VectorStoreFileBatch) -> VectorStoreFileBatch:
    return client.vector_stores.file_batches.retrieve(
        batch.id, vector_store_id=batch.vector_store_id
    )


def statuses(client: OpenAI, batch: VectorStoreFileBatch, polls: int) -> list[str]:
    return [retrieve(client, batch).status for _ in range(polls)]


@pytest.mark.parametrize("polls", [0, 1, 3])
def test_a_plan_says_how_many_polls_a_batch_takes(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, polls: int
) -> None:
    openai_standin.plans.default = BatchPlan(polls=polls)
    batch = new_batch(openai_client)
    assert statuses(openai_client, batch, polls + 1) == ["in_progress"] * polls + ["completed"]


def test_files_are_indexed_little_by_little(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.plans.add(BatchPlan(polls=3))
    batch = new_batch(openai_client, *(f"{number}.md" for number in range(8)))
    done = [retrieve(openai_client, batch).file_counts.completed for _ in range(4)]
    assert done == [2, 4, 6, 8]


def test_a_batch_may_never_end(openai_standin: OpenAIStandIn, openai_client: OpenAI) -> None:
    openai_standin.plans.add(BatchPlan(polls=None))
    batch = new_batch(openai_client)
    assert statuses(openai_client, batch, 20) == ["in_progress"] * 20
    assert retrieve(openai_client, batch).file_counts.in_progress == 2


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_batch_may_end_badly(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, status: Any
) -> None:
    openai_standin.plans.add(BatchPlan(polls=1, status=status))
    batch = new_batch(openai_client)
    assert statuses(openai_client, batch, 2) == ["in_progress", status]
    counts = retrieve(openai_client, batch).file_counts
    assert getattr(counts, status) == counts.total == 2


def test_a_plan_may_fail_some_files_or_all(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    some = FileFailure(
        code="invalid_file", message="Unreadable.", when=lambda f: f.filename[0] == "b"
    )
    openai_standin.plans.add(BatchPlan(failures=[some], times=1))
    openai_standin.plans.add(BatchPlan(failures=[FileFailure()]))
    partly, wholly = new_batch(openai_client), new_batch(openai_client)
    for batch in (partly, wholly):
        assert statuses(openai_client, batch, 2)[-1] == "completed"

    (failed,) = openai_client.vector_stores.file_batches.list_files(
        partly.id, vector_store_id=partly.vector_store_id, filter="failed"
    ).data
    assert failed.last_error is not None
    assert (failed.last_error.code, failed.last_error.message) == ("invalid_file", "Unreadable.")
    assert retrieve(openai_client, wholly).file_counts.failed == 2


def test_a_plan_is_chosen_by_the_files_of_the_batch(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.plans.add(
        BatchPlan(status="failed", polls=0, when=lambda files: files[0].filename == "bad.md")
    )
    assert statuses(openai_client, new_batch(openai_client, "good.md"), 2)[-1] == "completed"
    assert statuses(openai_client, new_batch(openai_client, "bad.md"), 1) == ["failed"]


def test_a_retrieve_may_answer_with_the_store_instead(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    openai_standin.plans.add(BatchPlan(polls=1, wrong_objects=2, times=1))
    batch = new_batch(openai_client)

    answers = [retrieve(openai_client, batch) for _ in range(4)]

    assert [answer.id for answer in answers] == [
        batch.id,
        batch.vector_store_id,
        batch.vector_store_id,
        batch.id,
    ]
    assert {str(answer.object) for answer in answers[1:3]} == {"vector_store"}
    openai_standin.plans.add(BatchPlan(polls=0, wrong_objects=None))
    always = new_batch(openai_client)
    assert {retrieve(openai_client, always).id for _ in range(3)} == {always.vector_store_id}
