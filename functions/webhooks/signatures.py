"""Whether a webhook is OpenAI's own: Standard Webhooks' signature, by the standard library alone.

The openai package does the same in ``client.webhooks.verify_signature``, and would be most of the
time in which this function starts. A test holds the two together.

https://developers.openai.com/api/docs/guides/webhooks
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from functions.webhooks.refusals import Refusal, RefusedError

# To both sides, as the openai package has it.
TOLERANCE_SECONDS = 300
_SECRET_PREFIX, _SIGNATURE_PREFIX = "whsec_", "v1,"
# OpenAI's are of 32. With none at all, everybody could sign.
_LEAST_KEY_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What the headers of a webhook say: its id, when it was sent, and signatures of all that."""

    webhook_id: str
    timestamp: str
    """Unix seconds, as they were written."""
    signatures: str
    """Each is ``v1,`` and base64, with white space between two: a secret that is being replaced
    signs beside the new one."""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """Out of headers, whose names may be in any case; RefusedError if one is missing."""
        found = {name.lower(): value for name, value in headers.items()}
        try:
            return cls(
                webhook_id=found["webhook-id"],
                timestamp=found["webhook-timestamp"],
                signatures=found["webhook-signature"],
            )
        except KeyError:
            raise RefusedError(Refusal.UNSIGNED) from None

    def check_time(self, now: float) -> None:
        """RefusedError if it was not sent within five minutes of ``now``, in Unix seconds."""
        try:
            sent = int(self.timestamp)
        except ValueError:
            raise RefusedError(Refusal.UNSIGNED) from None
        if abs(int(now) - sent) > TOLERANCE_SECONDS:
            raise RefusedError(Refusal.STALE)

    def check(self, body: str, key: bytes) -> None:
        """RefusedError if none of the signatures was made of this body with ``key``."""
        content = _bytes(f"{self.webhook_id}.{self.timestamp}.{body}")
        expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256))
        # All of them, so that the time it takes says nothing of where one matched.
        given = [_bytes(each.removeprefix(_SIGNATURE_PREFIX)) for each in self.signatures.split()]
        if not sum(hmac.compare_digest(expected, each) for each in given):
            raise RefusedError(Refusal.FORGED)


def signing_key(secret: str) -> bytes:
    """The key in a secret such as ``whsec_…``; RefusedError if it is not one of OpenAI's."""
    encoded = secret.removeprefix(_SECRET_PREFIX)
    try:
        key = base64.b64decode(encoded)
    except (binascii.Error, ValueError):
        raise RefusedError(Refusal.NOT_READY) from None
    if encoded == secret or len(key) < _LEAST_KEY_BYTES:
        raise RefusedError(Refusal.NOT_READY)
    return key


def _bytes(text: str) -> bytes:
    """Half a character is no reason to fail: nobody has signed it."""
    return text.encode(errors="surrogatepass")
