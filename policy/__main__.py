"""The policy pack, as Pulumi starts it: it serves until Pulumi ends it."""

import os

from pulumi_policy import PolicyPack

from rules import RULES, default_level

PolicyPack(
    name="openai-batch-flows",
    policies=list(RULES),
    # Pulumi tells a pack its stack so; it is not told where the pack is only published.
    enforcement_level=default_level(os.environ.get("PULUMI_STACK")),
)
