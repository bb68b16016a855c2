"""The OpenAI stand-in's file batches."""

from typing import Any

import pytest
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types.vector_stores import VectorStoreFileBatch

from local.standins.openai import OpenAIStandIn


def upload(client: OpenAI, name: str = "a.md", content: bytes = b"A sentence.") -> str:
    return client.files.create(file=(name, content), purpose="assistants").id


def new_batch(client: OpenAI, *names: str) -> VectorStoreFileBatch:
    """A batch in a new store, of files with these names."""
    store = client.vector_stores.create(name="s")
    files = [upload(client, name) for name in names or ("a.md", "b.md")]
    return client.vector_stores.file_batches.create(store.id, file_ids=files)


def retrieve(client: OpenAI, batch: VectorStoreFileBatch) -> VectorStoreFileBatch:
    return client.vector_stores.file_batches.retrieve(
        batch.id, vector_store_id=batch.vector_store_id
    )


def statuses(client: OpenAI, batch: VectorStoreFileBatch, polls: int) -> list[str]:
    return [retrieve(client, batch).status for _ in range(polls)]


def test_a_batch_is_under_way_then_completed(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    batch = new_batch(openai_client)
    assert batch.id.startswith("vsfb_")
    assert (batch.object, batch.status) == ("vector_store.files_batch", "in_progress")
    assert (batch.file_counts.in_progress, batch.file_counts.total) == (2, 2)

    assert statuses(openai_client, batch, 3) == ["in_progress", "completed", "completed"]

    ended = retrieve(openai_client, batch)
    assert (ended.id, ended.object) == (batch.id, "vector_store.files_batch")
    assert (ended.file_counts.completed, ended.file_counts.total) == (2, 2)
    assert openai_standin.file_batches[batch.id].status == "completed"


def test_files_carry_their_own_attributes(openai_client: OpenAI) -> None:
    store = openai_client.vector_stores.create(name="s")
    first, second = upload(openai_client), upload(openai_client, "b.md")
    batch = openai_client.vector_stores.file_batches.create(
        store.id,
        files=[{"file_id": first, "attributes": {"key": "1"}}, {"file_id": second}],
        attributes={"ignored": "beside files"},
    )
    listed = openai_client.vector_stores.file_batches.list_files(
        batch.id, vector_store_id=store.id, order="asc"
    )
    assert [(file.id, file.attributes) for file in listed] == [(first, {"key": "1"}), (second, {})]


def test_a_file_attached_twice_is_there_once_with_the_last_attributes(
    openai_client: OpenAI,
) -> None:
    store, file_id = openai_client.vector_stores.create(name="s"), upload(openai_client)
    create = openai_client.vector_stores.file_batches.create
    create(store.id, file_ids=[file_id], attributes={"n": 1})
    other = upload(openai_client)
    create(store.id, file_ids=[other])
    again = create(store.id, file_ids=[file_id, file_id], attributes={"n": 2})

    assert again.file_counts.total == 1
    attached = openai_client.vector_stores.files.list(store.id).data
    assert [(file.id, file.attributes) for file in attached] == [(file_id, {"n": 2}), (other, {})]
    assert openai_client.vector_stores.retrieve(store.id).file_counts.total == 2


def test_the_files_of_a_batch_are_listed_past_the_first_page_and_by_status(
    openai_client: OpenAI,
) -> None:
    names = [*(f"{number}.md" for number in range(23)), "table.csv"]
    batch = new_batch(openai_client, *names)
    statuses(openai_client, batch, 2)
    list_files = openai_client.vector_stores.file_batches.list_files
    store_id = batch.vector_store_id

    assert len(list_files(batch.id, vector_store_id=store_id).data) == 20
    assert len(list(list_files(batch.id, vector_store_id=store_id, limit=7))) == 24
    completed = list_files(batch.id, vector_store_id=store_id, filter="completed", limit=100)
    assert len(completed.data) == 23
    with pytest.raises(BadRequestError, match="'limit'"):
        list_files(batch.id, vector_store_id=store_id, limit=101)
    wrong: Any = "broken"
    with pytest.raises(BadRequestError, match="Supported values are"):
        list_files(batch.id, vector_store_id=store_id, filter=wrong)


def test_a_file_taken_out_of_the_store_is_not_listed(openai_client: OpenAI) -> None:
    batch = new_batch(openai_client)
    list_files = openai_client.vector_stores.file_batches.list_files
    first, second = list_files(batch.id, vector_store_id=batch.vector_store_id).data
    openai_client.files.delete(first.id)
    assert list_files(batch.id, vector_store_id=batch.vector_store_id).data == [second]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("article-slug", b"text", "unsupported_file"),
        ("a.html?utm=1", b"text", "unsupported_file"),
        ("table.csv", b"a,b", "unsupported_file"),
        ("empty.md", b" \n", "invalid_file"),
        ("latin.txt", b"caf\xe9 au lait", "invalid_file"),
    ],
)
def test_a_file_that_file_search_cannot_read_fails_in_a_completed_batch(
    openai_client: OpenAI, name: str, content: bytes, code: str
) -> None:
    store = openai_client.vector_stores.create(name="s")
    ids = [upload(openai_client, name, content), upload(openai_client, "GOOD.MD")]
    batch = openai_client.vector_stores.file_batches.create(store.id, file_ids=ids)

    statuses(openai_client, batch, 2)

    ended = retrieve(openai_client, batch)
    assert (ended.status, ended.file_counts.failed) == ("completed", 1)
    failed = openai_client.vector_stores.file_batches.list_files(
        batch.id, vector_store_id=store.id, filter="failed"
    )
    (file,) = failed.data
    assert file.id == ids[0]
    assert file.last_error is not None
    assert file.last_error.code == code


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"file_ids": ["file-1"], "files": [{"file_id": "file-1"}]}, "files", None),
        ({}, "file_ids", "missing_required_parameter"),
        ({"file_ids": []}, "file_ids", "empty_array"),
        ({"file_ids": ["file-1"] * 2001}, "file_ids", "array_above_max_length"),
        ({"files": [{"file_id": "file-1"}] * 2001}, "files", "array_above_max_length"),
        ({"files": [{}]}, "files[0].file_id", "missing_required_parameter"),
        ({"files": ["file-1"]}, "files[0]", "invalid_type"),
        (
            {"file_ids": ["f"], "attributes": {str(number): 1 for number in range(17)}},
            "attributes",
            "object_above_max_properties",
        ),
        (
            {"files": [{"file_id": "f", "attributes": {"k" * 65: 1}}]},
            "files[0].attributes key",
            "string_above_max_length",
        ),
        (
            {"files": [{"file_id": "f", "attributes": {"k": "x" * 513}}]},
            "files[0].attributes.k",
            "string_above_max_length",
        ),
        ({"file_ids": ["f"], "attributes": {"k": None}}, "attributes.k", "invalid_type"),
        ({"file_ids": ["f"], "attributes": {"k": ["x"]}}, "attributes.k", "invalid_type"),
        ({"file_ids": ["f"], "metadata": {}}, "metadata", "unknown_parameter"),
    ],
)
def test_a_batch_that_breaks_a_rule_is_refused(
    openai_standin: OpenAIStandIn,
    openai_client: OpenAI,
    body: dict[str, Any],
    param: str,
    code: str | None,
) -> None:
    store = openai_client.vector_stores.create(name="s")
    with pytest.raises(BadRequestError) as caught:
        openai_client.vector_stores.file_batches.create(store.id, extra_body=body)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert not openai_standin.file_batches


def test_attributes_at_their_limits_are_accepted(openai_client: OpenAI) -> None:
    store, file_id = openai_client.vector_stores.create(name="s"), upload(openai_client)
    attributes: dict[str, str | float | bool] = {f"{n:064}": "x" * 512 for n in range(14)}
    attributes |= {"number": 1.5, "yes": True}
    openai_client.vector_stores.file_batches.create(
        store.id, file_ids=[file_id], attributes=attributes
    )
    attached = openai_client.vector_stores.files.retrieve(file_id, vector_store_id=store.id)
    assert attached.attributes == attributes


def test_a_batch_with_an_unknown_file_attaches_none(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    store, file_id = openai_client.vector_stores.create(name="s"), upload(openai_client)
    with pytest.raises(NotFoundError, match="No such File object: file-none"):
        openai_client.vector_stores.file_batches.create(store.id, file_ids=[file_id, "file-none"])
    assert not openai_standin.vector_stores[store.id].attachments


def test_an_unknown_store_or_batch_is_404_and_a_store_id_for_a_batch_is_400(
    openai_client: OpenAI,
) -> None:
    batches, batch = openai_client.vector_stores.file_batches, new_batch(openai_client)
    elsewhere = openai_client.vector_stores.create(name="other")
    with pytest.raises(NotFoundError, match="No file batch found"):
        batches.retrieve(batch.id, vector_store_id=elsewhere.id)
    with pytest.raises(NotFoundError, match="No vector store found"):
        batches.create("vs_none", file_ids=[upload(openai_client)])
    with pytest.raises(NotFoundError, match="No file batch found"):
        batches.retrieve("vsfb_none", vector_store_id=batch.vector_store_id)
    with pytest.raises(BadRequestError, match="begins with 'vsfb_'"):
        batches.retrieve(batch.vector_store_id, vector_store_id=batch.vector_store_id)


def test_a_cancelled_batch_stays_so_and_a_late_cancel_changes_nothing(
    openai_client: OpenAI,
) -> None:
    batches, batch, done = (
        openai_client.vector_stores.file_batches,
        *[new_batch(openai_client) for _ in range(2)],
    )
    statuses(openai_client, done, 2)

    cancelled = batches.cancel(batch.id, vector_store_id=batch.vector_store_id)
    late = batches.cancel(done.id, vector_store_id=done.vector_store_id)

    assert (cancelled.status, cancelled.file_counts.cancelled) == ("cancelled", 2)
    assert statuses(openai_client, batch, 2) == ["cancelled", "cancelled"]
    assert late.status == "completed"
