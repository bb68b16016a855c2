"""The edge of Secrets Manager: read at run time, kept for five minutes."""

import logging
from functools import partial
from threading import Lock
from typing import Any

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from functions.clients import aws, calls
from functions.errors import AwsRejectedError, AwsUnavailableError

_KEEP_SECONDS = 300


class _Provider(SecretsProvider):
    """Powertools' own, which comes here when it has no text that is young enough."""

    def _get(self, name: str, **options: Any) -> Any:
        return calls.call("secretsmanager.get_secret_value", partial(super()._get, name, **options))


class Secret:
    """A secret text by its ARN. Its ``repr`` and its errors do not contain the text."""

    def __init__(self, arn: str, provider: SecretsProvider | None = None) -> None:
        self._arn = arn
        self._provider = provider or _Provider(boto3_client=aws.client("secretsmanager"))
        self._reading = Lock()
        # At DEBUG it logs each answer as it came, and so the secret.
        logging.getLogger("botocore.parsers").setLevel(logging.INFO)

    def read(self, *, refused: str | None = None) -> str:
        """The text, without white space around it. Errors: AwsUnavailableError, AwsRejectedError.

        It may have been changed since it was read: if it is what was ``refused``, it is read
        afresh.
        """
        try:
            with self._reading:  # or each of many threads would find it old, and pay for its own
                text = self._get()
                return self._get(force_fetch=True) if text == refused else text
        except GetParameterError as error:
            raise AwsUnavailableError(
                f"the secret {self._arn} could not be read: {error}"
            ) from None

    def _get(self, *, force_fetch: bool = False) -> str:
        text = self._provider.get(self._arn, max_age=_KEEP_SECONDS, force_fetch=force_fetch)
        if not isinstance(text, str):
            raise AwsRejectedError(f"the secret {self._arn} is no text; set it as SecretString")
        return text.strip()
