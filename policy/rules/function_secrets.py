"""No secret is in a function's environment, which whoever may look at the function can read.

Told by a variable's name, by what keys look like, and by the values of the stack's configuration
under keys that name secrets. Whether Pulumi marked a value as secret, a pack is not told.
"""

import re
from collections.abc import Iterator

from pulumi.runtime import get_config_env
from pulumi_policy import EnforcementLevel, ResourceValidationArgs
from pulumi_policy.proxy import UnknownValueError

from rules.reading.rule import ResourceRule
from rules.reading.types import FUNCTION

# The last word of a name: API_KEY, pineconeApiKey. KEY_SECRET_ARN says only where one is.
_NAMES_A_SECRET = re.compile(r"(KEY|SECRET|TOKEN|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)
# OpenAI's, its webhooks', Pinecone's, AWS's, and private keys.
_LOOKS_LIKE_A_SECRET = re.compile(
    r"\bsk-[\w-]{16,}|\bwhsec_[\w+/-]{16,}|\bpcsk_\w{16,}|\b(AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
)


def _check(args: ResourceValidationArgs) -> Iterator[str]:
    """A value that is not known yet is asked for last: what is known is judged in any case."""
    variables = (args.props.get("environment") or {}).get("variables") or {}
    configured = _configured_secrets()
    unknown: UnknownValueError | None = None
    for name in variables:
        if _NAMES_A_SECRET.search(name):
            yield f"{name} is named like a secret: name the ARN of one in Secrets Manager instead."
            continue
        try:
            value = str(variables[name])
        except UnknownValueError as error:
            unknown = error
            continue
        if _LOOKS_LIKE_A_SECRET.search(value) or any(secret in value for secret in configured):
            yield f"{name} holds a secret: name the ARN of one in Secrets Manager instead."
    if unknown is not None:
        raise unknown


def _configured_secrets() -> list[str]:
    """Pulumi hands the stack's whole configuration to a pack, decrypted, and does not say which
    values are secret."""
    return [
        value
        for key, value in get_config_env().items()
        if _NAMES_A_SECRET.search(key) and isinstance(value, str) and value
    ]


RULE = ResourceRule(
    "function-secrets",
    "No secret is in a function's environment.",
    _check,
    types=frozenset({FUNCTION}),
    enforcement_level=EnforcementLevel.MANDATORY,
)
