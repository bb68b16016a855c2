"""What tests have to know of Pinecone's SDK."""

from collections.abc import Iterator
from contextlib import contextmanager

from pinecone import Index
from pinecone._internal import http_client


def open_index(host: str, api_key: str = "any") -> Index:
    """A client that does not read the machine's certificates, which takes a fifth of a second."""
    return Index(host=host, api_key=api_key, ssl_verify=False)


@contextmanager
def all_attempts() -> Iterator[None]:
    """The SDK makes all its attempts: what failed in this process before is forgotten.

    It keeps an account of failures by host, and stops trying again when it is overdrawn.
    """
    http_client.get_budget_registry()._reset()
    yield
    http_client.get_budget_registry()._reset()
