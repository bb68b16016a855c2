"""Batch jobs as the tests make and read them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from openai import OpenAI
from openai.types import Batch

ENDED = ("completed", "failed", "expired", "cancelled")


def request(custom_id: str, said: str = "A fact.", **body: Any) -> dict[str, Any]:
    """A line of an input file."""
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/responses",
        "body": {"model": "m", "input": said, **body},
    }


def jsonl(lines: Iterable[Mapping[str, Any] | str]) -> bytes:
    """A file of lines, those that are text as they are."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    return "".join(f"{text}\n" for text in texts).encode()


def upload(client: OpenAI, lines: Iterable[Mapping[str, Any] | str]) -> str:
    """The id of a new input file."""
    return client.files.create(file=("requests.jsonl", jsonl(lines)), purpose="batch").id


def new_job(client: OpenAI, *lines: Mapping[str, Any] | str, **metadata: str) -> Batch:
    """A job of these requests, or of two."""
    return client.batches.create(
        input_file_id=upload(client, lines or (request("a"), request("b"))),
        endpoint="/v1/responses",
        completion_window="24h",
        metadata=metadata,
    )


def statuses(client: OpenAI, job: Batch, looks: int) -> list[str]:
    return [client.batches.retrieve(job.id).status for _ in range(looks)]


def ended(client: OpenAI, job: Batch) -> Batch:
    """The job at its end, which is not far."""
    looks = (client.batches.retrieve(job.id) for _ in range(20))
    return next(look for look in looks if look.status in ENDED)


def written(client: OpenAI, file_id: str | None) -> list[str]:
    """The lines of an output or error file that is there."""
    assert file_id is not None
    return client.files.content(file_id).text.splitlines()


def results(client: OpenAI, file_id: str | None) -> dict[str, dict[str, Any]]:
    """The lines of such a file by their custom ids, each of which it has once."""
    lines = [json.loads(line) for line in written(client, file_id)]
    by_id = {line["custom_id"]: line for line in lines}
    assert len(by_id) == len(lines)
    return by_id


def many(count: int) -> list[dict[str, Any]]:
    return [request(f"r-{number}") for number in range(count)]
