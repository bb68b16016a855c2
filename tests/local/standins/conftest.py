"""Stand-ins that run, and the real SDKs that talk to them."""

from collections.abc import Iterator

import httpx2
import pytest
from openai import OpenAI

from local.standins.openai import OpenAIStandIn


@pytest.fixture(scope="session")
def http() -> Iterator[httpx2.Client]:
    """One for all: reading the machine's certificates takes longer than most of the tests."""
    with httpx2.Client() as client:
        yield client


@pytest.fixture
def openai_standin() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as standin:
        yield standin


@pytest.fixture
def openai_client(openai_standin: OpenAIStandIn, http: httpx2.Client) -> OpenAI:
    """A client that tries once."""
    return OpenAI(
        base_url=openai_standin.base_url, api_key="sk-any", max_retries=0, http_client=http
    )
