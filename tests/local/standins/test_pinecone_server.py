"""The Pinecone stand-in as a server: who may ask, what goes wrong, how it starts and stops."""

import threading
import time
from collections.abc import Iterator

import httpx2
import pytest
from pinecone import (
    ApiError,
    Index,
    ServiceError,
    UnauthorizedError,
)
from pinecone.errors import RateLimitError, ResponseParsingError

from local.standins.pinecone import DOCUMENTED_UPDATE_RATE, Fault, PineconeStandIn
from tests.pinecone_sdk import all_attempts, open_index

WORDS = "words"


@pytest.fixture(autouse=True)
def attempts() -> Iterator[None]:
    with all_attempts():
        yield


@pytest.fixture
def standin() -> Iterator[PineconeStandIn]:
    with PineconeStandIn() as running:
        yield running


@pytest.fixture
def index(standin: PineconeStandIn) -> Iterator[Index]:
    with open_index(standin.host) as opened:
        yield opened


def update(index: Index, namespace: str = WORDS) -> None:
    index.update(id="a", set_metadata={"text": "x"}, namespace=namespace)


def test_a_key_must_be_there(standin: PineconeStandIn, http: httpx2.Client) -> None:
    response = http.get(f"{standin.host}/vectors/fetch?ids=a")
    assert response.status_code == 401
    assert response.json() == {"code": 16, "message": "Invalid API Key", "details": []}


def test_any_key_will_do_unless_some_are_named() -> None:
    with PineconeStandIn(api_keys=["good"]) as standin:
        for key in ("good", "bad"):
            with open_index(standin.host, key) as index:
                if key == "good":
                    update(index)
                else:
                    with pytest.raises(UnauthorizedError):
                        update(index)
        assert [call.status for call in standin.calls.of("update")] == [200, 401]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/vectors/update", 405)]
)
def test_an_unknown_url_is_answered_in_the_wires_shape(
    standin: PineconeStandIn, http: httpx2.Client, method: str, path: str, status: int
) -> None:
    response = http.request(method, standin.host + path)
    assert response.status_code == status
    assert response.json()["message"] == f"There is no {method} {path}"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(
    standin: PineconeStandIn, http: httpx2.Client, body: bytes
) -> None:
    response = http.post(f"{standin.host}/query", content=body, headers={"Api-Key": "k"})
    assert response.status_code == 400
    assert response.json()["code"] == 3


def test_more_updates_than_the_rate_are_refused_and_other_namespaces_are_not(
    standin: PineconeStandIn, http: httpx2.Client
) -> None:
    standin.update_rate = 3
    statuses = [
        http.post(
            f"{standin.host}/vectors/update",
            json={"id": "a", "setMetadata": {}, "namespace": namespace},
            headers={"Api-Key": "k"},
        ).status_code
        for namespace in [WORDS] * 4 + ["others"]
    ]
    [refused] = [call for call in standin.calls if call.status == 429]

    assert statuses == [200, 200, 200, 429, 200]
    assert refused.body["namespace"] == WORDS


def test_after_a_second_updates_are_taken_again(standin: PineconeStandIn, index: Index) -> None:
    """The SDK waits and tries again, so that every update arrives."""
    standin.update_rate = 1
    for _ in range(2):
        update(index)

    [first, *refused, last] = standin.calls.of("update")
    assert (first.status, last.status) == (200, 200)
    assert {call.status for call in refused} == {429}
    assert last.ended - first.started > 1


def test_the_rate_is_off_unless_it_is_switched_on(standin: PineconeStandIn, index: Index) -> None:
    for _ in range(DOCUMENTED_UPDATE_RATE + 1):
        update(index)
    assert standin.calls.count("update", status=200) == DOCUMENTED_UPDATE_RATE + 1


@pytest.mark.parametrize(
    ("status", "error", "code"), [(429, RateLimitError, 8), (503, ServiceError, 14)]
)
def test_a_status_is_answered_before_the_effect(
    standin: PineconeStandIn, index: Index, status: int, error: type[ApiError], code: int
) -> None:
    standin.faults.add(Fault(operation="upsert", status=status, retry_after=0, times=4))

    with pytest.raises(error) as caught:
        index.upsert(vectors=[("a", [1.0])], namespace=WORDS)

    assert caught.value.body is not None
    assert caught.value.body["code"] == code
    assert caught.value.headers is not None
    assert caught.value.headers["retry-after"] == "0"
    assert not standin.vectors(WORDS)


def test_a_fault_that_is_over_is_not_noticed(standin: PineconeStandIn, index: Index) -> None:
    standin.faults.add(Fault(operation="upsert", status=500, retry_after=0, times=2))

    index.upsert(vectors=[("a", [1.0])], namespace=WORDS)

    assert [call.status for call in standin.calls.of("upsert")] == [500, 500, 200]
    assert not standin.faults.pending


def test_an_answer_may_break_off(standin: PineconeStandIn, index: Index) -> None:
    standin.faults.add(Fault(operation="fetch", malformed=True))
    with pytest.raises(ResponseParsingError):
        index.fetch(ids=["a"], namespace=WORDS)


def test_a_connection_may_be_lost_after_the_effect(standin: PineconeStandIn, index: Index) -> None:
    standin.faults.add(Fault(operation="upsert", drop="after"))

    index.upsert(vectors=[("a", [1.0])], namespace=WORDS)

    assert [call.status for call in standin.calls.of("upsert")] == [None, 200]
    assert standin.vectors(WORDS).keys() == {"a"}


def test_a_fault_may_be_for_some_requests_alone(standin: PineconeStandIn, index: Index) -> None:
    standin.faults.add(
        Fault(operation="update", status=400, when=lambda r: r.body["id"] == "bad", times=None)
    )

    update(index)
    with pytest.raises(ApiError, match="refused"):
        index.update(id="bad", set_metadata={}, namespace=WORDS)


def test_a_fault_for_an_operation_that_is_none_is_refused(standin: PineconeStandIn) -> None:
    with pytest.raises(ValueError, match=r"no operation 'vectors\.update'; there are desc"):
        standin.faults.add(Fault(operation="vectors.update", status=500))


def test_an_operation_may_be_slow(standin: PineconeStandIn, index: Index) -> None:
    standin.latency["update"] = 0.05
    update(index)
    [call] = standin.calls.of("update")
    assert call.ended - call.started >= 0.05


def test_what_it_holds_outlives_a_stop() -> None:
    standin = PineconeStandIn()
    for operation in ("upsert", "fetch"):
        with standin, open_index(standin.host) as index:
            if operation == "upsert":
                index.upsert(vectors=[("a", [1.0])], namespace=WORDS)
            else:
                assert index.fetch(ids=["a"], namespace=WORDS).vectors.keys() == {"a"}


def test_it_says_when_it_is_not_running(standin: PineconeStandIn) -> None:
    with pytest.raises(RuntimeError, match="the Pinecone stand-in is not running"):
        _ = PineconeStandIn().host
    with pytest.raises(RuntimeError, match="is running already"):
        standin.start()


def test_a_busy_port_is_named(standin: PineconeStandIn) -> None:
    port = int(standin.host.rpartition(":")[2])
    with pytest.raises(OSError, match=f"Pinecone stand-in cannot listen on 127.0.0.1:{port}: "):
        PineconeStandIn(port=port).start()


def test_stopping_releases_whoever_waits_and_leaves_no_thread(http: httpx2.Client) -> None:
    before = set(threading.enumerate())
    standin = PineconeStandIn()
    standin.start()
    standin.latency["fetch"] = 600
    url, errors = f"{standin.host}/vectors/fetch?ids=a", []

    def ask() -> None:
        try:
            http.get(url, headers={"Api-Key": "k"}, timeout=60)
        except httpx2.TransportError as error:
            errors.append(error)

    waiting = threading.Thread(target=ask)
    waiting.start()
    while len(set(threading.enumerate()) - before - {waiting}) < 2:
        time.sleep(0.001)  # the server's thread, and one for the connection

    standin.stop()
    standin.stop()
    waiting.join()

    assert len(errors) == 1
    assert set(threading.enumerate()) <= before
