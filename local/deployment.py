"""Runs the Pulumi program as ``pulumi up`` would, onto the embedded AWS.

Pulumi's own mock monitor hands each resource to ``EmbeddedEngine`` as soon as its inputs are
known, and gives the program back what AWS made of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws import Aws
from local.engine import EmbeddedEngine, Resource
from local.program import run_program


@dataclass(frozen=True)
class Deployment:
    """What a deployment made: the stack's outputs, and the resources in order of creation."""

    outputs: Mapping[str, Any]
    resources: Sequence[Resource]

    def of_type(self, token: str) -> list[Resource]:
        """The resources of one type."""
        return [resource for resource in self.resources if resource.type == token]


def deploy(
    aws: Aws,
    *,
    program: Path,
    stack: str,
    config: Mapping[str, str],
    secrets: Mapping[str, str],
) -> Deployment:
    """Run the program for ``stack`` and create its resources; errors as of ``run_program``."""
    engine = EmbeddedEngine(aws)
    outputs = run_program(
        engine,
        program=program,
        stack=stack,
        config={**config, "aws:region": aws.region},
        secrets=secrets,
    )
    return Deployment(outputs, tuple(engine.resources))
