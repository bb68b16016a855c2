"""Runs the Pulumi program as Pulumi's engine would, before whatever takes the engine's place.

What that is made of is not imported here, so that a preview need not wait for an embedded AWS.
"""

import asyncio
import gc
import runpy
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.settings import get_root_resource

from local.config import load_config, project_name


def run_program(
    engine: pulumi.runtime.Mocks,
    *,
    program: Path,
    stack: str,
    config: Mapping[str, str],
    secrets: Mapping[str, str],
    preview: bool = False,
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
        with _event_loop(), _importing_from(program), _uncollected():
            pulumi.runtime.set_mocks(engine, project=project, stack=stack, preview=preview)
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


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nobody looks for garbage meanwhile: nearly all that a program makes lives until its end.

    It is a quarter of the processor time of a run.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
