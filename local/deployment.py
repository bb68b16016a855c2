"""Runs the Pulumi program as ``pulumi up`` would, onto the embedded AWS.

Pulumi's own mock monitor hands each resource to ``EmbeddedEngine`` as soon as its inputs are
known, and gives the program back what AWS made of it.
"""

import asyncio
import runpy
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.settings import get_root_resource

from local.aws import Aws
from local.config import load_config, project_name
from local.engine import EmbeddedEngine, Resource


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


def run_program(
    engine: pulumi.runtime.Mocks,
    *,
    program: Path,
    stack: str,
    config: Mapping[str, str],
    secrets: Mapping[str, str],
) -> dict[str, Any]:
    """Run ``__main__.py`` of the directory ``program`` before ``engine``; the stack's outputs.

    ``config`` goes on top of ``Pulumi.yaml`` and ``Pulumi.<stack>.yaml``; ``secrets`` are values
    of keys that those do not declare. Both are texts, as for ``pulumi config set``. ConfigError if
    Pulumi would not start with them; what the program raises is raised here.
    """
    project = project_name(program / "Pulumi.yaml")
    values = load_config(program / "Pulumi.yaml", program / f"Pulumi.{stack}.yaml", config)
    hidden = {f"{project}:{key}": value for key, value in secrets.items()}

    def up() -> dict[str, Any]:
        with _event_loop(), _importing_from(program):
            pulumi.runtime.set_mocks(engine, project=project, stack=stack, preview=False)
            pulumi.runtime.set_all_config({**values, **hidden}, secret_keys=list(hidden))
            return _run(program)

    # Pulumi keeps its state in the context and in the thread that it runs in: both are new here.
    with ThreadPoolExecutor(1, "pulumi-up") as thread:
        return thread.submit(up).result()


def _run(program: Path) -> dict[str, Any]:
    """All resources exist, and the outputs are known, when this returns."""
    outputs: dict[str, Any] = {}

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> pulumi.Output[None]:
        runpy.run_path(str(program / "__main__.py"), run_name="__main__")
        stack: Any = get_root_resource()
        return pulumi.Output.all(**stack.outputs).apply(outputs.update)

    run()
    return outputs


@contextmanager
def _event_loop() -> Iterator[None]:
    """A loop for this thread, and for each thread in which Pulumi works; it closes none itself."""
    loops: list[asyncio.AbstractEventLoop] = []

    def give_loop() -> None:
        loop = asyncio.new_event_loop()
        # Of a program that fails, only the first error is raised; the others would be printed
        # whenever their futures happen to be collected.
        loop.set_exception_handler(lambda _loop, _context: None)
        loops.append(loop)
        asyncio.set_event_loop(loop)

    give_loop()
    try:
        with ThreadPoolExecutor(thread_name_prefix="pulumi-rpc", initializer=give_loop) as threads:
            loops[0].set_default_executor(threads)
            yield
    finally:
        asyncio.set_event_loop(None)
        for loop in loops:
            loop.close()


@contextmanager
def _importing_from(program: Path) -> Iterator[None]:
    """As the real engine starts a program: from its own directory, which it imports from."""
    sys.path.insert(0, str(program))
    try:
        with chdir(program):
            yield
    finally:
        sys.path.remove(str(program))
