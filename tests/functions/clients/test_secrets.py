"""A secret that is read at run time and kept for five minutes."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from functions.clients import calls
from functions.clients.secrets import Secret
from functions.errors import AwsUnavailableError
from tests.functions.conftest import API_KEY


class Clock:
    """Unix seconds, which pass when they are told to."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(secret: Secret, clock: Clock) -> Secret:
    """A secret that has been read, and then was changed behind its back."""
    secret = Secret("openai-key", clock)
    assert secret.read() == API_KEY
    boto3.client("secretsmanager").put_secret_value(SecretId="openai-key", SecretString="new")
    return secret


def test_a_secret_is_kept_for_five_minutes(kept: Secret, clock: Clock) -> None:
    clock.now += 299
    assert kept.read() == API_KEY

    clock.now += 2
    assert kept.read() == "new"


def test_a_text_that_was_refused_is_read_afresh_and_the_new_one_kept(
    kept: Secret, clock: Clock
) -> None:
    clock.now += 200
    assert kept.read(refused=API_KEY) == "new"

    boto3.client("secretsmanager").put_secret_value(SecretId="openai-key", SecretString="newer")
    clock.now += 299
    assert kept.read() == "new"


def test_what_could_not_be_read_afresh_is_asked_for_again(kept: Secret, clock: Clock) -> None:
    boto3.client("secretsmanager").delete_secret(SecretId="openai-key")
    clock.now += 301
    for _ in range(2):
        with pytest.raises(AwsUnavailableError):
            kept.read()


def test_many_threads_that_find_it_old_read_it_once(
    secret: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, call = [], calls.call

    def slow(name: str, request: Callable[[], Any]) -> Any:
        """Which does not answer before every thread has had the time to ask."""
        reads.append(name)
        time.sleep(0.05)
        return call(name, request)

    monkeypatch.setattr(calls, "call", slow)

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: secret.read(), range(8)))

    assert (found, len(reads)) == ({API_KEY}, 1)


def test_two_secrets_keep_nothing_of_each_other(kept: Secret) -> None:
    assert Secret("openai-key").read() == "new"
    assert kept.read() == API_KEY


def test_a_text_that_has_been_replaced_already_is_not_read_again(kept: Secret) -> None:
    assert kept.read(refused="what somebody else was refused") == API_KEY


def test_a_text_comes_without_the_white_space_around_it(secret: Secret) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId="openai-key", SecretString=" key\r\n")
    assert secret.read() == "key"


def test_a_secret_that_is_not_there_is_unavailable_and_named(aws: None) -> None:
    with pytest.raises(AwsUnavailableError, match="the secret missing-key could not be read"):
        Secret("missing-key").read()


def test_a_secret_shows_itself_by_no_text(kept: Secret) -> None:
    assert API_KEY not in repr(kept)
    assert API_KEY not in str(kept)
