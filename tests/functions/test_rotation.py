"""A key that is changed in Secrets Manager while clients have the old one."""

import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import time_machine

from functions.clients import calls
from functions.clients.openai import OpenAIService
from functions.clients.openai_batches import BatchJobs
from functions.clients.pinecone import VectorIndex
from functions.clients.secrets import Secret
from functions.errors import (
    FlowError,
    OpenAIRejectedError,
    OpenAIUnavailableError,
    PineconeRejectedError,
    PineconeUnavailableError,
)
from local.standins.openai import Fault, OpenAIStandIn
from local.standins.pinecone import PineconeStandIn
from tests.pinecone_sdk import all_attempts

OLD, NEW = "sk-old-0123456789abcdefghij", "sk-new-zyxwvutsrqponmlkjihg"
FIVE_MINUTES = 300
THREADS = 16


@dataclass(frozen=True, kw_only=True)
class Client:
    """A client of one kind with the old key, and the server that it talks to."""

    server: OpenAIStandIn | PineconeStandIn
    operation: str
    """What ``call`` is at the server."""
    call: Callable[[], object]
    rejected: type[FlowError]
    unavailable: type[FlowError]

    def accept(self, *keys: str) -> None:
        """The server takes these keys alone from now on."""
        assert self.server.api_keys is not None
        self.server.api_keys.clear()
        self.server.api_keys.update(keys)

    def statuses(self) -> list[int | None]:
        """How its calls ended, since this was last asked."""
        found = [call.status for call in self.server.calls]
        self.server.calls.clear()
        return found

    def fail(self, **fault: Any) -> None:
        """Have calls go wrong."""
        self.server.faults.add(Fault(operation=self.operation, **fault))


@pytest.fixture(params=["OpenAIService", "BatchJobs", "VectorIndex"])
def client(request: pytest.FixtureRequest, aws: None) -> Iterator[Client]:
    boto3.client("secretsmanager").create_secret(Name="key", SecretString=OLD)
    with ExitStack() as opened:
        opened.enter_context(all_attempts())
        yield _client(request.param, opened)


def _client(kind: str, opened: ExitStack) -> Client:
    key = Secret("key")
    if kind == "VectorIndex":
        pinecone = opened.enter_context(PineconeStandIn(api_keys=[OLD]))
        index = VectorIndex(key, host=pinecone.host, namespace="words", timeout_seconds=10)
        opened.callback(index.close)
        return Client(
            server=pinecone,
            operation="fetch",
            call=lambda: index.existing(["a"]),
            rejected=PineconeRejectedError,
            unavailable=PineconeUnavailableError,
        )
    openai = opened.enter_context(OpenAIStandIn(api_keys=[OLD]))
    options: Any = {"base_url": openai.base_url, "timeout_seconds": 10, "max_retries": 0}
    ours = {"rejected": OpenAIRejectedError, "unavailable": OpenAIUnavailableError}
    if kind == "BatchJobs":
        jobs = BatchJobs(key, **options)
        opened.callback(jobs._client.close)
        listed = lambda: list(jobs.created_since(0))  # noqa: E731
        return Client(server=openai, operation="batches.list", call=listed, **ours)
    service = OpenAIService(key, **options)
    opened.callback(service._client.close)
    found = lambda: service.find_vector_store("news/example.com")  # noqa: E731
    return Client(server=openai, operation="vector_stores.list", call=found, **ours)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each call was made."""
    made, call, counting = Counter[str](), calls.call, threading.Lock()

    def counted(name: str, request: Callable[[], Any]) -> Any:
        with counting:
            made[name] += 1
        return call(name, request)

    monkeypatch.setattr(calls, "call", counted)
    return made


def rotate(key: str = NEW) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId="key", SecretString=key)


def shown(error: BaseException) -> str:
    """All that a log would have of an error."""
    return "".join(traceback.format_exception(error))


def behind(error: BaseException | None) -> str:
    """What an error says, and all that were being handled when it came, shown or not."""
    if error is None:
        return ""
    return f"{error!r}\n{behind(error.__cause__)}{behind(error.__context__)}"


def reads(made: Counter[str]) -> int:
    return made["secretsmanager.get_secret_value"]


def test_a_new_key_is_used_after_five_minutes_though_the_old_one_still_works(
    client: Client,
) -> None:
    with time_machine.travel(1_800_000_000, tick=True) as clock:
        client.call()
        rotate()
        client.accept(OLD, NEW)

        clock.shift(FIVE_MINUTES)
        client.call()

        client.accept(NEW)
        client.call()
        assert client.statuses() == [200, 200, 200], "the old key was refused nowhere"


def test_a_key_is_read_once_in_five_minutes(client: Client, made: Counter[str]) -> None:
    with time_machine.travel(1_800_000_000, tick=True) as clock:
        for _ in range(3):
            client.call()
        assert reads(made) == 1

        clock.shift(FIVE_MINUTES)
        client.call()
        assert reads(made) == 2


def test_the_call_that_is_refused_succeeds_with_the_new_key_at_once(
    client: Client, made: Counter[str]
) -> None:
    client.call()
    rotate()
    client.accept(NEW)

    client.call()
    client.call()

    assert client.statuses() == [200, 401, 200, 200]
    assert reads(made) == 2


def test_threads_that_are_refused_together_all_succeed_after_one_read(
    client: Client, made: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client.call()
    rotate()
    client.accept(NEW)
    call, all_refused = calls.call, threading.Barrier(THREADS, timeout=60)

    def met(name: str, request: Callable[[], Any]) -> Any:
        """None goes on before each of them was refused."""
        try:
            return call(name, request)
        except Exception:
            all_refused.wait()
            raise

    monkeypatch.setattr(calls, "call", met)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: client.call(), range(THREADS)))

    assert Counter(client.statuses()) == {401: THREADS, 200: THREADS + 1}
    assert reads(made) == 2


def test_threads_that_begin_together_read_the_key_once(client: Client, made: Counter[str]) -> None:
    together = threading.Barrier(THREADS, timeout=60)

    def call(_: int) -> None:
        together.wait()
        client.call()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(call, range(THREADS)))

    assert reads(made) == 1


def test_a_new_key_that_is_refused_too_is_a_final_error_that_shows_neither(
    client: Client, made: Counter[str]
) -> None:
    client.call()
    rotate()
    client.accept()
    client.fail(status=401, message=f"Incorrect API key provided: {OLD} {NEW}", times=None)

    with pytest.raises(client.rejected, match="refused the API key; set it: pulumi") as failed:
        client.call()

    assert client.statuses() == [200, 401, 401]
    assert reads(made) == 2
    assert not {OLD, NEW} & set(shown(failed.value).split())
    assert all(key[-4:] not in shown(failed.value) for key in (OLD, NEW))


@pytest.mark.parametrize(
    "fault",
    [{"status": 429, "retry_after": 0}, {"status": 500}, {"drop": "before"}, {"malformed": True}],
    ids=lambda fault: " ".join(f"{name} {value}" for name, value in fault.items()),
)
def test_what_goes_wrong_after_a_refusal_does_not_show_what_was_refused(
    client: Client, fault: dict[str, Any]
) -> None:
    client.fail(status=401, message=f"Incorrect API key provided: {OLD}.")
    client.fail(times=None, **fault)

    with pytest.raises(client.unavailable) as failed:
        client.call()

    assert OLD not in behind(failed.value)
    assert client.statuses()[0] == 401


def test_a_new_key_that_cannot_be_sent_is_a_final_error_that_shows_neither(client: Client) -> None:
    client.call()
    rotate(f"{NEW}\nand a second line")
    client.accept()
    client.fail(status=401, message=f"Incorrect API key provided: {OLD}.", times=None)

    with pytest.raises(client.rejected) as failed:
        client.call()

    assert OLD not in behind(failed.value)
    assert NEW not in behind(failed.value)
