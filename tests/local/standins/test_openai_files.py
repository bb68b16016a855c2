"""The OpenAI stand-in's files."""

import httpx2
import pytest
from openai import BadRequestError, NotFoundError, OpenAI

from local.standins.openai import OpenAIStandIn


class Clock:
    """Unix seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def upload(client: OpenAI, name: str = "a.md", content: bytes = b"A sentence.") -> str:
    return client.files.create(file=(name, content), purpose="assistants").id


def test_an_upload_is_described_as_it_was_sent(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    file = openai_client.files.create(file=("Ünï.jsonl", b"12345", "text/plain"), purpose="batch")

    assert file.id.startswith("file-")
    assert (file.object, file.filename, file.bytes) == ("file", "Ünï.jsonl", 5)
    assert (file.purpose, file.status) == ("batch", "processed")
    assert file.expires_at == file.created_at + 30 * 86_400, "batch files live for 30 days"
    assert openai_client.files.retrieve(file.id) == file
    assert openai_standin.files[file.id].content == b"12345"


def test_an_upload_may_be_told_when_to_expire(http: httpx2.Client) -> None:
    clock = Clock()
    with OpenAIStandIn(clock=clock) as standin:
        client = OpenAI(base_url=standin.base_url, api_key="k", http_client=http)
        file = client.files.create(
            file=("a.md", b"x"),
            purpose="assistants",
            expires_after={"anchor": "created_at", "seconds": 3600},
        )
        assert file.expires_at == 1_800_003_600
        clock.now += 3599
        client.files.retrieve(file.id)
        clock.now += 1
        with pytest.raises(NotFoundError):
            client.files.retrieve(file.id)


@pytest.mark.parametrize(
    ("form", "param", "code"),
    [
        ({"purpose": "assistants"}, "file", "missing_required_parameter"),
        ({"file": b"x"}, "purpose", "missing_required_parameter"),
        ({"file": b"x", "purpose": "poetry"}, "purpose", "invalid_value"),
        (
            {
                "file": b"x",
                "purpose": "assistants",
                "expires_after[anchor]": "created_at",
                "expires_after[seconds]": "60",
            },
            "expires_after[seconds]",
            "integer_below_min_value",
        ),
        ({"file": b"x", "purpose": "assistants", "tag": "y"}, "tag", "unknown_parameter"),
    ],
)
def test_an_upload_that_breaks_a_rule_is_refused(
    openai_standin: OpenAIStandIn,
    http: httpx2.Client,
    form: dict[str, str | bytes],
    param: str,
    code: str,
) -> None:
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    files = {"file": ("a.md", form["file"])} if "file" in form else {"other": ("a.md", b"")}
    response = http.post(
        f"{openai_standin.base_url}/files",
        data=fields,
        files=files,
        headers={"Authorization": "Bearer k"},
    )

    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["param"], error["code"]) == (param, code)
    assert not openai_standin.files


def test_files_are_listed_newest_first_by_purpose_and_page(openai_client: OpenAI) -> None:
    ids = [upload(openai_client, f"{number}.md") for number in range(7)]
    other = openai_client.files.create(file=("b.jsonl", b"{}"), purpose="batch").id

    assert [file.id for file in openai_client.files.list()] == [other, *reversed(ids)]
    paged = openai_client.files.list(purpose="assistants", order="asc", limit=3)
    assert len(paged.data) == 3
    assert paged.has_more
    assert [file.id for file in paged] == ids, "the SDK follows the pages to the end"
    rest = openai_client.files.list(purpose="assistants", order="asc", after=ids[4])
    assert [file.id for file in rest] == ids[5:]


def test_files_are_listed_by_the_time_of_their_creation(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    ids = [upload(openai_client, f"{number}.md") for number in range(3)]
    openai_standin.files[ids[1]].created_at -= 10

    listed = openai_client.files.list(order="asc")
    assert [file.id for file in listed] == [ids[1], ids[0], ids[2]]
    assert [file.id for file in openai_client.files.list(after=ids[0])] == [ids[1]]


@pytest.mark.parametrize("limit", [0, 10_001])
def test_a_page_of_files_holds_1_to_10000(openai_client: OpenAI, limit: int) -> None:
    with pytest.raises(BadRequestError, match="'limit'"):
        openai_client.files.list(limit=limit)


def test_only_what_a_batch_reads_or_wrote_can_be_downloaded(openai_client: OpenAI) -> None:
    batch = openai_client.files.create(file=("a.jsonl", b"{}\n"), purpose="batch")
    assert openai_client.files.content(batch.id).read() == b"{}\n"

    with pytest.raises(BadRequestError, match="Not allowed to download files of purpose"):
        openai_client.files.content(upload(openai_client))


def test_a_deleted_file_is_gone_from_its_stores_too(
    openai_standin: OpenAIStandIn, openai_client: OpenAI
) -> None:
    file_id = upload(openai_client)
    store = openai_client.vector_stores.create(file_ids=[file_id])

    assert openai_client.files.delete(file_id).deleted

    assert openai_client.vector_stores.retrieve(store.id).file_counts.total == 0
    assert not openai_standin.files
    for call in (openai_client.files.retrieve, openai_client.files.delete):
        with pytest.raises(NotFoundError, match=f"No such File object: {file_id}") as caught:
            call(file_id)
        assert caught.value.param == "id"


def test_a_cursor_that_was_deleted_is_refused(openai_client: OpenAI) -> None:
    file_id = upload(openai_client)
    openai_client.files.delete(file_id)
    with pytest.raises(BadRequestError, match="'after'"):
        openai_client.files.list(after=file_id)
