"""The edge of Pinecone, through the real SDK."""

import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from functions.clients.pinecone import VectorIndex
from functions.clients.secrets import Secret
from functions.errors import AwsUnavailableError, PineconeRejectedError, PineconeUnavailableError
from local.standins.pinecone import Fault, PineconeStandIn
from tests.functions.clients.web_server import Exchange, Serve, reply
from tests.pinecone_sdk import all_attempts, open_index

KEY = "pcsk_0123456789abcdefghijklmnop"
NEW_KEY = "pcsk_rotated"
WORDS = "words"


@pytest.fixture(autouse=True)
def attempts() -> Iterator[None]:
    with all_attempts():
        yield


@pytest.fixture
def pinecone() -> Iterator[PineconeStandIn]:
    """Three vectors, for whoever has the key."""
    with PineconeStandIn(api_keys=[KEY]) as running:
        with open_index(running.host, KEY) as index:
            index.upsert(vectors=[(id_, [1.0]) for id_ in "abc"], namespace=WORDS)
        running.calls.clear()
        yield running


@pytest.fixture
def key(aws: None) -> Secret:
    return Secret(
        boto3.client("secretsmanager").create_secret(Name="pinecone-key", SecretString=KEY)["ARN"]
    )


@pytest.fixture
def index(pinecone: PineconeStandIn, key: Secret) -> Iterator[VectorIndex]:
    opened = VectorIndex(key, host=pinecone.host, namespace=WORDS, timeout_seconds=10)
    yield opened
    opened.close()


def test_those_that_exist_are_told_from_those_that_do_not(index: VectorIndex) -> None:
    assert index.existing(["a", "c", "d"]) == {"a", "c"}
    assert index.existing([]) == set()


def test_a_hundred_ids_are_asked_about_at_a_time(
    index: VectorIndex, pinecone: PineconeStandIn
) -> None:
    ids = [f"IMAGE#{number}" for number in range(250)]

    assert index.existing([*ids, "a"]) == {"a"}

    assert [len(call.body["ids"]) for call in pinecone.calls.of("fetch")] == [100, 100, 51]


def test_metadata_is_set_and_the_rest_of_it_stays(
    index: VectorIndex, pinecone: PineconeStandIn
) -> None:
    index.set_metadata("a", {"text": "R&D"})
    index.set_metadata("a", {"valid_labels": [], "proposed_label": ""})

    assert pinecone.vectors(WORDS)["a"].metadata == {
        "text": "R&D",
        "valid_labels": [],
        "proposed_label": "",
    }


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_trouble_of_pinecones_may_pass(
    index: VectorIndex, pinecone: PineconeStandIn, status: int
) -> None:
    pinecone.faults.add(Fault(operation="update", status=status, retry_after=0, times=None))
    with pytest.raises(PineconeUnavailableError, match=str(status)):
        index.set_metadata("a", {})
    assert pinecone.calls.count("update") == 4, "the attempts of the SDK"


@pytest.mark.parametrize("status", [400, 402, 403, 404, 409, 412, 413])
def test_what_pinecone_refuses_it_will_refuse_again(
    index: VectorIndex, pinecone: PineconeStandIn, status: int
) -> None:
    pinecone.faults.add(Fault(operation="update", status=status, message="Not so.", times=None))
    with pytest.raises(PineconeRejectedError, match=rf"{status}.* Not so\."):
        index.set_metadata("a", {})
    assert pinecone.calls.count("update") == 1


def test_metadata_that_pinecone_cannot_hold_is_refused(index: VectorIndex) -> None:
    with pytest.raises(PineconeRejectedError, match="for field 'text'"):
        index.set_metadata("a", {"text": None})


def test_an_answer_that_breaks_off_may_be_whole_the_next_time(
    index: VectorIndex, pinecone: PineconeStandIn
) -> None:
    pinecone.faults.add(Fault(operation="fetch", malformed=True))
    with pytest.raises(PineconeUnavailableError, match="ResponseParsingError"):
        index.existing(["a"])
    assert index.existing(["a"]) == {"a"}


@pytest.mark.parametrize("body", [b"<html>Sorry</html>", b"[]", b'{"vectors": null}'])
def test_an_answer_that_is_none_is_pinecones_trouble(
    key: Secret, serve: Serve, body: bytes
) -> None:
    server = serve(reply(body=body, Connection="close"))
    index = VectorIndex(key, host=server.url(""), namespace=WORDS, timeout_seconds=5)
    with pytest.raises(PineconeUnavailableError):
        index.existing(["a"])
    index.close()


def test_a_pinecone_that_does_not_answer_is_given_up(
    index: VectorIndex, pinecone: PineconeStandIn, key: Secret
) -> None:
    pinecone.latency["update"] = 600
    impatient = VectorIndex(key, host=pinecone.host, namespace=WORDS, timeout_seconds=0.05)
    with pytest.raises(PineconeUnavailableError, match="Timeout"):
        impatient.set_metadata("a", {})
    impatient.close()


def test_a_pinecone_that_is_not_there_is_told_by_its_address(key: Secret) -> None:
    with PineconeStandIn() as gone:
        host = gone.host
    index = VectorIndex(key, host=host, namespace=WORDS, timeout_seconds=5)
    with pytest.raises(PineconeUnavailableError, match=host):
        index.existing(["a"])
    index.close()


def test_a_rotated_key_is_read_afresh_and_kept(
    index: VectorIndex, pinecone: PineconeStandIn
) -> None:
    index.set_metadata("a", {})
    rotate(pinecone)

    index.set_metadata("a", {"text": "x"})
    assert index.existing(["a"]) == {"a"}

    assert [call.status for call in pinecone.calls.of("update")] == [200, 401, 200]
    assert [call.status for call in pinecone.calls.of("fetch")] == [200]


def test_threads_that_meet_the_rotation_together_all_get_through(
    index: VectorIndex, pinecone: PineconeStandIn
) -> None:
    index.set_metadata("a", {})
    rotate(pinecone)
    together = threading.Barrier(16)

    def update(number: int) -> None:
        together.wait()
        index.set_metadata("a", {f"key_{number}": "x"})

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(update, range(16)))

    assert len(pinecone.vectors(WORDS)["a"].metadata) == 16


def test_a_key_that_is_refused_is_shown_nowhere(
    index: VectorIndex, pinecone: PineconeStandIn, capfd: pytest.CaptureFixture[str]
) -> None:
    pinecone.faults.add(Fault(operation="fetch", status=401, message=f"No: {KEY}", times=None))

    for _ in range(2):
        with pytest.raises(PineconeRejectedError, match="config set --secret pineconeAp") as failed:
            index.existing(["a"])
        assert KEY not in "".join(traceback.format_exception(failed.value))

    assert KEY not in "".join(capfd.readouterr())
    assert len(index._opened) == 1, "each client has connections of its own"


@pytest.mark.parametrize("text", ["pcsk_new\nline", "pcsk_größe", "  "])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(
    key: Secret, pinecone: PineconeStandIn, text: str
) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId="pinecone-key", SecretString=text)
    index = VectorIndex(key, host=pinecone.host, namespace=WORDS, timeout_seconds=5)

    with pytest.raises(PineconeRejectedError, match=r"(?i)api key") as failed:
        index.existing(["a"])

    assert not text.strip() or text not in "".join(traceback.format_exception(failed.value))
    assert not pinecone.calls


def test_a_key_may_be_followed_by_the_end_of_its_line(
    key: Secret, pinecone: PineconeStandIn
) -> None:
    boto3.client("secretsmanager").put_secret_value(
        SecretId="pinecone-key", SecretString=f"{KEY}\n"
    )
    index = VectorIndex(key, host=pinecone.host, namespace=WORDS, timeout_seconds=5)
    assert index.existing(["a"]) == {"a"}
    index.close()


def test_a_key_that_cannot_be_read_now_is_awss_trouble(
    aws: None, pinecone: PineconeStandIn
) -> None:
    index = VectorIndex(Secret("gone"), host=pinecone.host, namespace=WORDS, timeout_seconds=5)
    with pytest.raises(AwsUnavailableError, match="gone"):
        index.existing(["a"])


def test_a_host_that_is_none_is_refused(key: Secret) -> None:
    index = VectorIndex(key, host="words", namespace=WORDS, timeout_seconds=5)
    with pytest.raises(PineconeRejectedError, match="'words'"):
        index.existing(["a"])


def test_sixteen_threads_are_served_at_once(key: Secret, serve: Serve) -> None:
    """No answer comes before all have asked."""
    asked = threading.Barrier(16, timeout=30)

    def respond(exchange: Exchange) -> None:
        asked.wait()
        exchange.send(reply(body=b'{"vectors": {}}', Connection="close"))

    index = VectorIndex(key, host=serve(respond).url(""), namespace=WORDS, timeout_seconds=30)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(index.existing, ["a"] * 16)) == [set()] * 16
    index.close()


def test_whoever_does_not_talk_to_pinecone_does_not_import_its_sdk() -> None:
    program = (
        "import functions.completions.projection.projecting, sys; print('pinecone' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def rotate(pinecone: PineconeStandIn) -> None:
    """Put a new key in the place of the old one, here and there."""
    boto3.client("secretsmanager").put_secret_value(SecretId="pinecone-key", SecretString=NEW_KEY)
    assert pinecone.api_keys is not None
    pinecone.api_keys.clear()
    pinecone.api_keys.add(NEW_KEY)
