"""A secret that is read at run time and kept for five minutes."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider

from functions.clients.secrets import Secret
from functions.errors import AwsUnavailableError
from tests.functions.conftest import API_KEY


class AgeingProvider(SecretsProvider):
    """Powertools' own provider, whose kept values can be made older."""

    def age(self, seconds: float) -> None:
        for key, kept in self.store.items():
            self.store[key] = kept._replace(ttl=kept.ttl - timedelta(seconds=seconds))


@pytest.fixture
def provider(secret: Secret) -> AgeingProvider:
    return AgeingProvider()


@pytest.fixture
def kept(provider: AgeingProvider) -> Secret:
    """A secret that has been read, and then was changed behind its back."""
    secret = Secret("openai-key", provider)
    assert secret.read() == API_KEY
    boto3.client("secretsmanager").put_secret_value(SecretId="openai-key", SecretString="new")
    return secret


def test_a_secret_is_kept_for_five_minutes(kept: Secret, provider: AgeingProvider) -> None:
    provider.age(299)
    assert kept.read() == API_KEY

    provider.age(2)
    assert kept.read() == "new"


def test_a_text_that_was_refused_is_read_afresh_and_the_new_one_kept(
    kept: Secret, provider: AgeingProvider
) -> None:
    assert kept.read(refused=API_KEY) == "new"

    provider.age(299)
    assert kept.read() == "new"


def test_many_threads_that_find_it_old_read_it_once(secret: Secret) -> None:
    class Slow(SecretsProvider):
        """Which does not answer before every thread has had the time to ask."""

        reads = 0

        def _get(self, name: str, **options: Any) -> str | bytes:
            self.reads += 1
            time.sleep(0.05)
            return super()._get(name, **options)

    slow = Slow()
    kept = Secret("openai-key", slow)

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: kept.read(), range(8)))

    assert (found, slow.reads) == ({API_KEY}, 1)


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
