"""The OpenAI stand-in's vector stores and what is attached to them one by one."""

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import BadRequestError, NotFoundError, OpenAI

from local.standins.openai import OpenAIStandIn
from local.standins.openai.pages import cut


def upload(client: OpenAI, name: str = "a.md", content: bytes = b"A sentence.") -> str:
    return client.files.create(file=(name, content), purpose="assistants").id


def test_a_store_is_made_changed_found_and_deleted(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    stores = openai_client.vector_stores
    store = stores.create(
        name="news/example.com",
        metadata={"stack": "dev"},
        expires_after={"anchor": "last_active_at", "days": 7},
    )
    assert store.id.startswith("vs_")
    assert (store.object, store.name, store.status) == (
        "vector_store",
        "news/example.com",
        "completed",
    )
    assert store.metadata == {"stack": "dev"}
    assert store.expires_at == store.created_at + 7 * 86_400
    assert (store.file_counts.total, store.usage_bytes) == (0, 0)

    changed = stores.update(store.id, name="other", metadata={"a": "b"}, expires_after=None)
    assert (changed.name, changed.metadata, changed.expires_at) == ("other", {"a": "b"}, None)
    assert stores.retrieve(store.id) == changed
    assert openai_standin.vector_stores[store.id].name == "other"

    deleted = stores.delete(store.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (store.id, True, "vector_store.deleted")
    with pytest.raises(NotFoundError, match=f"No vector store found with id '{store.id}'"):
        stores.retrieve(store.id)


def test_two_stores_may_have_one_name(openai_client: OpenAI) -> None:
    first = openai_client.vector_stores.create(name="same")
    second = openai_client.vector_stores.create(name="same")
    assert first.id != second.id


def test_stores_are_listed_past_the_first_page(openai_client: OpenAI) -> None:
    ids = [openai_client.vector_stores.create(name=str(number)).id for number in range(23)]

    first = openai_client.vector_stores.list()
    assert [store.id for store in first.data] == ids[:2:-1], "twenty, newest first"
    assert [store.id for store in first] == ids[::-1]
    assert [store.id for store in openai_client.vector_stores.list(order="asc", limit=5)] == ids
    before = openai_client.vector_stores.list(order="asc", limit=2, before=ids[10])
    assert [store.id for store in before.data] == ids[8:10]
    assert before.has_more
    assert not openai_client.vector_stores.list(order="asc", before=ids[10]).has_more
    for limit in (0, 101):
        with pytest.raises(BadRequestError, match="'limit'"):
            openai_client.vector_stores.list(limit=limit)


@dataclass(frozen=True)
class Item:
    id: str


@given(
    total=st.integers(0, 30),
    limit=st.integers(1, 12),
    order=st.sampled_from(["asc", "desc"]),
)
def test_following_the_pages_shows_everything_once_and_in_order(
    total: int, limit: int, order: str
) -> None:
    items = [Item(str(number)) for number in range(total)]
    seen: list[Item] = []
    query = {"limit": str(limit), "order": order}
    has_more = True
    while has_more:
        shown, has_more = cut(items, query)
        seen += shown
        assert has_more == (len(seen) < total), "no empty page at the end"
        query["after"] = seen[-1].id if seen else ""
    assert seen == (items if order == "asc" else items[::-1])


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({"metadata": {str(number): "x" for number in range(17)}}, "metadata"),
        ({"metadata": {"k" * 65: "x"}}, "metadata key"),
        ({"metadata": {"k": "x" * 513}}, "metadata.k"),
        ({"metadata": {"k": 1}}, "metadata.k"),
        ({"expires_after": {"anchor": "created_at", "days": 1}}, "expires_after.anchor"),
        ({"expires_after": {"anchor": "last_active_at", "days": 366}}, "expires_after.days"),
        ({"file_ids": ["file-x"] * 501}, "file_ids"),
        ({"extra_body": {"nmae": "x"}}, "nmae"),
    ],
)
def test_a_store_that_breaks_a_rule_is_refused(
    openai_standin: OpenAIStandIn, openai_client: OpenAI, arguments: dict[str, Any], param: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        openai_client.vector_stores.create(**arguments)
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
    assert not openai_standin.vector_stores


def test_an_id_of_another_kind_is_refused(openai_client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="begins with 'vs_'"):
        openai_client.vector_stores.retrieve("file-1")


def test_an_expired_store_can_be_seen_and_not_used(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    file_id, store = upload(openai_client), openai_client.vector_stores.create(name="old")
    openai_standin.expire_vector_store(store.id)

    assert openai_client.vector_stores.retrieve(store.id).status == "expired"
    with pytest.raises(BadRequestError, match=f"Vector store '{store.id}' has expired"):
        openai_client.vector_stores.files.create(store.id, file_id=file_id)
    with pytest.raises(BadRequestError, match="has expired"):
        openai_client.vector_stores.file_batches.create(store.id, file_ids=[file_id])
    with pytest.raises(BadRequestError, match="has expired"):
        openai_client.responses.create(
            model="m",
            input="What is new?",
            tools=[{"type": "file_search", "vector_store_ids": [store.id]}],
        )


def test_use_puts_a_stores_end_off(http: httpx2.Client) -> None:
    now = 1_800_000_000
    with OpenAIStandIn(clock=lambda: now) as standin:
        client = OpenAI(base_url=standin.base_url, api_key="k", http_client=http)
        store = client.vector_stores.create(
            name="s", expires_after={"anchor": "last_active_at", "days": 1}
        )
        file_id = upload(client)
        now += 86_399
        client.vector_stores.files.create(store.id, file_id=file_id)
        used = client.vector_stores.retrieve(store.id)
        assert (used.last_active_at, used.expires_at) == (now, now + 86_400)
        now += 86_400
        assert client.vector_stores.retrieve(store.id).status == "expired"


def test_a_file_is_attached_indexed_and_taken_out(openai_client: OpenAI) -> None:
    files = openai_client.vector_stores.files
    file_id, store = upload(openai_client), openai_client.vector_stores.create(name="s")

    attached = files.create(store.id, file_id=file_id, attributes={"url": "u", "n": 2, "b": True})
    assert (attached.id, attached.status, attached.usage_bytes) == (file_id, "in_progress", 0)

    found = files.retrieve(file_id, vector_store_id=store.id)
    assert (found.status, found.last_error, found.vector_store_id) == ("completed", None, store.id)
    assert found.attributes == {"url": "u", "n": 2, "b": True}
    assert openai_client.vector_stores.retrieve(store.id).usage_bytes == len(b"A sentence.")

    assert files.delete(file_id, vector_store_id=store.id).object == "vector_store.file.deleted"
    with pytest.raises(NotFoundError, match=f"No file found with id '{file_id}' in vector store"):
        files.retrieve(file_id, vector_store_id=store.id)
    assert openai_client.files.retrieve(file_id).id == file_id, "the file itself stays"


def test_a_file_that_cannot_be_read_fails_where_it_is_attached_alone(openai_client: OpenAI) -> None:
    file_id, store = upload(openai_client, "slug"), openai_client.vector_stores.create(name="s")
    openai_client.vector_stores.files.create(store.id, file_id=file_id)
    assert openai_client.vector_stores.retrieve(store.id).file_counts.failed == 1


def test_the_files_of_a_store_are_listed_by_status(openai_client: OpenAI) -> None:
    good = [upload(openai_client, f"{number}.md") for number in range(3)]
    bad = upload(openai_client, "page.html?utm=1")
    store = openai_client.vector_stores.create(file_ids=[*good, bad])
    files = openai_client.vector_stores.files

    assert store.file_counts.in_progress == 4
    assert [file.id for file in files.list(store.id, order="asc", limit=1)] == [*good, bad]
    assert [file.id for file in files.list(store.id, filter="completed")] == good[::-1]
    failed = list(files.list(store.id, filter="failed"))
    assert [file.id for file in failed] == [bad]
    assert failed[0].last_error is not None
    assert failed[0].last_error.code == "unsupported_file"


def test_a_file_or_store_that_is_not_there_is_404(openai_client: OpenAI) -> None:
    store = openai_client.vector_stores.create(name="s")
    with pytest.raises(NotFoundError, match="No such File object: file-none"):
        openai_client.vector_stores.files.create(store.id, file_id="file-none")
    with pytest.raises(NotFoundError, match="No vector store found with id 'vs_none'"):
        openai_client.vector_stores.files.list("vs_none")


@pytest.mark.parametrize(
    "strategy",
    [
        {"type": "static", "max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
        {"type": "static", "static": {"max_chunk_size_tokens": 99, "chunk_overlap_tokens": 0}},
        {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 401}},
        {"type": "magic"},
    ],
)
def test_a_chunking_strategy_is_checked(openai_client: OpenAI, strategy: Any) -> None:
    file_id, store = upload(openai_client), openai_client.vector_stores.create(name="s")
    with pytest.raises(BadRequestError) as caught:
        openai_client.vector_stores.files.create(
            store.id, file_id=file_id, chunking_strategy=strategy
        )
    assert caught.value.code in {
        "unknown_parameter",
        "integer_below_min_value",
        "integer_above_max_value",
        "invalid_value",
    }
