"""What the arguments that other programs fill in are checked with, when they are made.

The stack's own program gets its values from ``Settings``, which has the same bounds and says which
line mends a key. A program that uses the components has no settings: its arguments refuse by
themselves what AWS or the functions would refuse much later, or never.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import pulumi
from pydantic import AfterValidator, ConfigDict, Field

CHECKED = ConfigDict(
    extra="forbid",  # a misspelt argument would be one that is left at its default
    arbitrary_types_allowed=True,  # outputs and archives are Pulumi's own
    hide_input_in_errors=True,  # a key, where somebody gives one in the place of its ARN
)
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653)
# As the SDK takes it: a URL or a host, which has a dot in it or is this machine.
_PINECONE_HOST = r"^(https?://)?([^\s/@:]+\.[^\s/@:]+|localhost)(:\d+)?/?$"


def _retention(days: int) -> int:
    if days not in _RETENTION_DAYS:
        raise ValueError(f"must be one of {', '.join(map(str, _RETENTION_DAYS))}")
    return days


def _url(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"//{url}")
    # A port beyond 65535 is a ValueError of its own.
    if not parts.hostname or parts.port == 0 or not url.isprintable():
        raise ValueError("must name a host, and a port from 1 to 65535 if any")
    parts.hostname.encode("idna")  # a UnicodeError is a ValueError
    return url


if TYPE_CHECKING:
    TextInput = pulumi.Input[str]
else:
    TextInput = Any  # pydantic cannot follow the forward reference within Pulumi's own type

LogRetentionDays = Annotated[
    int, Field(json_schema_extra={"enum": [*_RETENTION_DAYS]}), AfterValidator(_retention)
]
Port = Annotated[int, Field(ge=1, le=65_535)]
Usd = Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=6)]
OpenAIUrl = Annotated[str, Field(pattern=r"^https?://[^\s/@]+(/\S*)?$"), AfterValidator(_url)]
PineconeHost = Annotated[str, Field(pattern=_PINECONE_HOST), AfterValidator(_url)]
