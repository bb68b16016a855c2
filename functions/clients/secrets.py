"""The edge of Secrets Manager: read at run time, kept for five minutes."""

import logging
import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from functions.clients import aws, calls
from functions.errors import AwsRejectedError, AwsUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_KEEP_SECONDS = 300


class Secret:
    """A secret text by its ARN. Its ``repr`` and its errors do not contain the text.

    ``clock`` gives Unix seconds: those of a process that sleeps between two invocations count.
    """

    def __init__(self, arn: str, clock: Callable[[], float] = time.time) -> None:
        self._arn = arn
        self._clock = clock
        self._client: SecretsManagerClient = aws.client("secretsmanager")
        self._reading = Lock()
        self._text: str | None = None
        self._good_until = 0.0
        # At DEBUG it logs each answer as it came, and so the secret.
        logging.getLogger("botocore.parsers").setLevel(logging.INFO)

    def read(self, *, refused: str | None = None) -> str:
        """The text, without white space around it. Errors: AwsUnavailableError, AwsRejectedError.

        It may have been changed since it was read: if it is what was ``refused``, it is read
        afresh.
        """
        with self._reading:  # or each of many threads would find it old, and pay for its own
            if self._text is None or self._text == refused or self._clock() >= self._good_until:
                self._text = self._fetched()
            return self._text

    def _fetched(self) -> str:
        try:
            answer = calls.call(
                "secretsmanager.get_secret_value",
                lambda: self._client.get_secret_value(SecretId=self._arn),
            )
        # ValueError is half a character in the name.
        except (BotoCoreError, ClientError, ValueError) as error:
            raise AwsUnavailableError(
                f"the secret {self._arn} could not be read: {error}"
            ) from None
        if "SecretString" not in answer:
            raise AwsRejectedError(f"the secret {self._arn} is no text; set it as SecretString")
        self._good_until = self._clock() + _KEEP_SECONDS
        return answer["SecretString"].strip()
