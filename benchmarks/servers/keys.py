"""API keys for those who ask for none."""

from functions.clients.secrets import Secret


class AnyKey(Secret):
    """A key that is known already: Secrets Manager is no part of what is measured."""

    def __init__(self) -> None:
        """Without a client."""

    def read(self, *, refused: str | None = None) -> str:  # noqa: ARG002 - it is never refused
        """Some text."""
        return "any"
