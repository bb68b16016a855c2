"""The workflows' scripts, run as GitHub runs them, beside a gh and a pulumi that note calls."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.infra.conftest import ROOT
from tests.workflows.reading import repository

# Answers a listing page by page, each through the filter, as the real one does.
GH = """#!{python}
import json, os, subprocess, sys
with open(os.environ["CALLS"], "a") as calls:
    print(json.dumps(sys.argv[1:]), file=calls)
if "GH_FAILS" in os.environ:
    sys.exit(1)
if "--jq" in sys.argv:
    for page in json.loads(os.environ["PAGES"]):
        jq = ["jq", "--raw-output", sys.argv[sys.argv.index("--jq") + 1]]
        subprocess.run(jq, input=json.dumps(page), text=True, check=True)
"""
PULUMI = """#!/bin/sh
echo "$@" >> "$CALLS"
echo 'said by pulumi'
exit "${PULUMI_EXIT:-0}"
"""
_BASH = shutil.which("bash") or "bash"
COMMENTS = "repos/owner/name/issues/7/comments"
OURS = "github-actions[bot]"
needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="gh has jq built in, its fake not")


def step(file: str, name: str) -> Mapping[str, Any]:
    """A step by its name."""
    [found] = [
        each
        for workflow, job in repository().jobs()
        if workflow.name == file
        for each in job.steps
        if each.get("name") == name
    ]
    return found


@dataclass(frozen=True)
class Runner:
    """A machine of GitHub's with fakes of gh and pulumi."""

    folder: Path

    def run(self, file: str, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a step's script with the shell that GitHub documents for ``shell: bash``."""
        return subprocess.run(
            [_BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", step(file, name)["run"]],
            cwd=ROOT,
            env={
                "PATH": f"{self.folder}:{os.environ['PATH']}",
                "CALLS": str(self.folder / "calls"),
                "RUNNER_TEMP": str(self.folder),
                "GITHUB_OUTPUT": str(self.folder / "output"),
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_REPOSITORY": "owner/name",
                "GITHUB_RUN_ID": "99",
                "STACK": "dev",
                **environment,
            },
            text=True,
            capture_output=True,
            check=False,
        )

    def comment(self, *pages: Sequence[Any], outcome: str = "success", **environment: str) -> int:
        """Write the comment where the pull request has these already; the script's exit code."""
        return self.run(
            "preview.yml",
            "Comment",
            MARKER="<!-- preview of dev -->",
            OUTCOME=outcome,
            PULL_REQUEST="7",
            PAGES=json.dumps(pages),
            **environment,
        ).returncode

    @property
    def calls(self) -> list[str]:
        """What was called, a line each."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def written(self) -> str:
        """The comment."""
        return (self.folder / "comment.md").read_text()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    for name, text in (("gh", GH.replace("{python}", sys.executable)), ("pulumi", PULUMI)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "preview.txt").write_text("    + aws:sqs/queue:Queue: (create)\nResources: 1\n")
    return Runner(tmp_path)


def comment(number: int, body: str, author: str = OURS) -> dict[str, Any]:
    return {"id": number, "body": body, "user": {"login": author}}


def put(runner: Runner) -> list[str]:
    """How and where the comment was put."""
    assert len(runner.calls) == 2
    arguments: list[str] = json.loads(runner.calls[1])
    assert arguments[4:] == ["--field", f"body=@{runner.folder}/comment.md", "--silent"]
    return arguments[1:4]


@needs_jq
def test_the_first_preview_of_a_pull_request_makes_a_comment(runner: Runner) -> None:
    assert runner.comment([]) == 0
    assert put(runner) == ["--method", "POST", COMMENTS]
    assert json.loads(runner.calls[0])[:3] == ["api", "--paginate", COMMENTS]


@needs_jq
def test_a_later_preview_rewrites_it_wherever_it_stands(runner: Runner) -> None:
    first = [comment(number, "looks good") for number in range(30)]
    ours = [comment(number, "<!-- preview of dev -->\nolder") for number in (31, 32)]
    assert runner.comment(first, ours) == 0
    assert put(runner) == ["--method", "PATCH", "repos/owner/name/issues/comments/31"]


@needs_jq
def test_comments_of_others_and_of_other_stacks_are_left_alone(runner: Runner) -> None:
    quoted = comment(1, "<!-- preview of dev -->\nquoted by a person", "somebody")
    of_prod = comment(2, "<!-- preview of prod -->\nolder")
    assert runner.comment([quoted, of_prod, comment(3, "about <!-- preview of dev -->")]) == 0
    assert put(runner) == ["--method", "POST", COMMENTS]


@needs_jq
def test_the_comment_has_the_diff_and_says_how_it_ended(runner: Runner) -> None:
    assert runner.comment([], outcome="failure") == 0
    assert runner.written.startswith(
        "<!-- preview of dev -->\n### `pulumi preview` of `dev`: failure"
    )
    assert "    + aws:sqs/queue:Queue: (create)\nResources: 1\n" in runner.written
    assert "(https://github.example/owner/name/actions/runs/99)" in runner.written


@needs_jq
def test_of_a_long_diff_the_end_is_shown(runner: Runner) -> None:
    (runner.folder / "preview.txt").write_text("line of a diff\n" * 20_000 + "Resources: 9\n")
    assert runner.comment([]) == 0
    assert len(runner.written) < 65_536
    assert "Resources: 9\n" in runner.written


def test_no_second_comment_is_made_when_the_first_cannot_be_looked_for(runner: Runner) -> None:
    assert runner.comment([], GH_FAILS="yes") != 0
    assert len(runner.calls) == 1


def test_each_stack_has_a_comment_of_its_own_after_a_failure_too() -> None:
    writing = step("preview.yml", "Comment")
    assert writing["env"]["MARKER"] == "<!-- preview of ${{ matrix.stack }} -->"
    assert writing["if"] == "${{ !cancelled() && steps.preview.outcome != 'skipped' }}"
    assert step("preview.yml", "Preview")["id"] == "preview"


@pytest.mark.parametrize("code", [0, 3])
def test_a_preview_is_kept_for_the_comment_and_fails_with_pulumi(runner: Runner, code: int) -> None:
    backend = "s3://state"
    done = runner.run("preview.yml", "Preview", PULUMI_BACKEND_URL=backend, PULUMI_EXIT=str(code))
    assert done.returncode == code
    assert (runner.folder / "preview.txt").read_text() == "said by pulumi\n"
    assert runner.calls == [
        "preview --non-interactive --color never --diff --stack dev --policy-pack policy"
    ]


@pytest.mark.parametrize(("file", "name"), [("preview.yml", "Preview"), ("up.yml", "Up")])
def test_nothing_runs_before_the_backend_is_set_up(runner: Runner, file: str, name: str) -> None:
    done = runner.run(file, name, PULUMI_BACKEND_URL="")
    assert done.returncode != 0
    assert "the head of deploy.yml" in done.stderr
    assert runner.calls == []


@pytest.mark.parametrize("file", ["preview.yml", "up.yml"])
def test_the_cli_is_of_the_pinned_version(runner: Runner, file: str) -> None:
    runner.run(file, "The CLI's version is that of the pinned SDK")
    assert (runner.folder / "output").read_text() == f"pulumi={version('pulumi')}\n"
