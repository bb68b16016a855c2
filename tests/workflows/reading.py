"""GitHub workflows as their rules read them."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from infra.bundle import LAMBDA
from tests.infra.conftest import ROOT

FOLDER = ROOT / ".github" / "workflows"
_LOCAL_CALL = "./.github/workflows/"


@dataclass(frozen=True)
class Job:
    """A job: of steps, or of a workflow that it calls."""

    id: str
    content: Mapping[str, Any]

    @property
    def steps(self) -> Sequence[Mapping[str, Any]]:
        """The steps, none where another workflow is called."""
        steps: Sequence[Mapping[str, Any]] = self.content.get("steps", ())
        return steps

    @property
    def calls(self) -> str | None:
        """The file name of the workflow that it calls."""
        called: str | None = self.content.get("uses")
        return called.removeprefix(_LOCAL_CALL) if called is not None else None

    @property
    def uses(self) -> list[str]:
        """The actions and workflows that it uses."""
        return [each["uses"] for each in (self.content, *self.steps) if "uses" in each]

    @property
    def scripts(self) -> list[str]:
        """What its steps run."""
        return [step["run"] for step in self.steps if "run" in step]

    @property
    def needs(self) -> list[str]:
        """The jobs that it waits for."""
        needed = self.content.get("needs", [])
        return [needed] if isinstance(needed, str) else needed

    @property
    def matrix(self) -> list[Mapping[str, Any]]:
        """The combinations that a matrix lists one by one."""
        included: list[Mapping[str, Any]]
        included = self.content.get("strategy", {}).get("matrix", {}).get("include", [])
        return included

    def steps_of(self, action: str) -> list[Mapping[str, Any]]:
        """The steps that use an action."""
        return [step for step in self.steps if step.get("uses", "").startswith(f"{action}@")]

    def runs(self, command: str) -> bool:
        """Whether a script has this command."""
        return any(command in script for script in self.scripts)


@dataclass(frozen=True)
class Workflow:
    """A file of the folder."""

    name: str
    text: str

    @cached_property
    def content(self) -> Mapping[Any, Any]:
        """What the file says."""
        content: Mapping[Any, Any] = yaml.safe_load(self.text)
        return content

    @property
    def triggers(self) -> Mapping[str, Any]:
        """When it runs. The key is ``on``, which YAML 1.1 reads as true."""
        triggers: Mapping[str, Any] = self.content[True]
        return triggers

    @property
    def jobs(self) -> list[Job]:
        """Its jobs, in order."""
        return [Job(name, content) for name, content in self.content["jobs"].items()]


@dataclass(frozen=True)
class Repository:
    """The workflows, and what they have to agree with."""

    workflows: Sequence[Workflow]
    stacks: frozenset[str]
    """Those at AWS: each has a file, and all but the embedded AWS's own."""
    pythons: frozenset[str]
    """The oldest that the tools run on, and the one of the functions."""

    def jobs(self) -> Iterator[tuple[Workflow, Job]]:
        """Every job, with the workflow that it is in."""
        return ((workflow, job) for workflow in self.workflows for job in workflow.jobs)

    def called(self, job: Job) -> list[Job]:
        """The jobs of the workflow that a job calls."""
        return [each for workflow, each in self.jobs() if workflow.name == job.calls]


@cache
def repository() -> Repository:
    """This repository."""
    files = sorted(FOLDER.iterdir())
    return Repository(
        workflows=[Workflow(file.name, file.read_text()) for file in files],
        stacks=frozenset(map(_stack, ROOT.glob("Pulumi.*.yaml"))) - {"local"},
        pythons=frozenset({_oldest_python(), LAMBDA.python}),
    )


def _stack(file: Path) -> str:
    return file.name.split(".")[1]


def _oldest_python() -> str:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    return str(tools["mypy"]["python_version"])
