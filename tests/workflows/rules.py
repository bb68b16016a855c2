"""What has to be true of the workflows. A rule says each thing that is wrong, in a sentence."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from tests.workflows.reading import Job, Repository

Rule = Callable[[Repository], Iterator[str]]

_SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
_CREDENTIALS = "aws-actions/configure-aws-credentials"
_LONGEST_MINUTES = 60
_VARIABLE = re.compile(r"\$\{\{ vars\.(\w+) \}\}")


def actions_are_pinned_to_commits(repository: Repository) -> Iterator[str]:
    """A tag can be moved to other code, a commit can't; the comment says which version it is."""
    versions: dict[str, set[str]] = defaultdict(set)
    for workflow in repository.workflows:
        for used in {used for job in workflow.jobs for used in job.uses}:
            if used.startswith("./"):
                if used.rpartition("/")[2] not in {each.name for each in repository.workflows}:
                    yield f"{workflow.name}: there is no {used}"
                continue
            if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", used):
                yield f"{workflow.name}: {used} is not pinned to a whole commit"
            lines = re.findall(rf"uses: {re.escape(used)}(.*)", workflow.text)
            for line in lines:
                if not re.fullmatch(r" # v\d+\.\d+\.\d+", line):
                    yield f"{workflow.name}: {used} does not say its version"
                versions[used.partition("@")[0]].add(f"{used}{line}")
    for action, found in versions.items():
        if len(found) > 1:
            yield f"{action} has several versions: {', '.join(sorted(found))}"


def permissions_are_the_least(repository: Repository) -> Iterator[str]:
    """None for a workflow; for a job, those that its steps use."""
    for workflow in repository.workflows:
        if workflow.content.get("permissions") != {}:
            yield f"{workflow.name}: take all permissions away, and give each job its own"
    for workflow, job in repository.jobs():
        needed = _needed(job)
        for called in repository.called(job):
            needed |= _needed(called)
        if job.content.get("permissions") != needed:
            yield f"{workflow.name}: {job.id} needs {needed}"


def _needed(job: Job) -> dict[str, str]:
    needed = {"contents": "read"}
    if job.steps_of(_CREDENTIALS):
        needed["id-token"] = "write"
    if job.runs("gh api"):
        needed["pull-requests"] = "write"
    return needed


def nobody_else_starts_a_workflow(repository: Repository) -> Iterator[str]:
    """``pull_request_target``, ``workflow_run`` and the like run with rights over foreign code."""
    for workflow in repository.workflows:
        for trigger in sorted(workflow.triggers.keys() - {"pull_request", "push", "workflow_call"}):
            yield f"{workflow.name}: {trigger} is not one of our triggers"
        if "push" in workflow.triggers and workflow.triggers["push"] != {"branches": ["main"]}:
            yield f"{workflow.name}: a push to main alone starts it"


def forks_are_skipped(repository: Repository) -> Iterator[str]:
    """GitHub gives the pull request of a fork no OIDC token, and no right to write a comment."""
    for workflow, job in repository.jobs():
        writes = "write" in job.content.get("permissions", {}).values()
        guarded = job.content.get("if") == _SAME_REPOSITORY
        if "pull_request" in workflow.triggers and writes and not guarded:
            yield f"{workflow.name}: skip {job.id} unless {_SAME_REPOSITORY}"


def every_job_has_a_time_limit(repository: Repository) -> Iterator[str]:
    """GitHub's own is six hours."""
    for workflow, job in repository.jobs():
        limit = job.content.get("timeout-minutes")
        if job.calls is None and not (limit and limit <= _LONGEST_MINUTES):
            yield f"{workflow.name}: {job.id} has no timeout-minutes up to {_LONGEST_MINUTES}"


def checkouts_keep_no_credentials(repository: Repository) -> Iterator[str]:
    """Every later step, and what it installs, could read them."""
    for workflow, job in repository.jobs():
        for step in job.steps_of("actions/checkout"):
            if step.get("with", {}).get("persist-credentials") is not False:
                yield f"{workflow.name}: {job.id} leaves a token behind in .git"


def scripts_hold_no_expressions(repository: Repository) -> Iterator[str]:
    """A branch's name in an expression would be run as a script. Variables are only read."""
    for workflow, job in repository.jobs():
        if any("${{" in script for script in job.scripts):
            yield f"{workflow.name}: {job.id} has an expression in a script, not in env"


def scripts_end_at_the_first_failure(repository: Repository) -> Iterator[str]:
    """Only bash that is asked for by name has pipefail."""
    for workflow in repository.workflows:
        shell = workflow.content.get("defaults", {}).get("run", {}).get("shell")
        own = {step.get("shell", "bash") for job in workflow.jobs for step in job.steps}
        if any(job.scripts for job in workflow.jobs) and (shell != "bash" or own != {"bash"}):
            yield f"{workflow.name}: defaults.run.shell is bash"


def there_are_no_long_lived_keys(repository: Repository) -> Iterator[str]:
    """Roles are assumed by OIDC, and which one a variable says."""
    for workflow, job in repository.jobs():
        if any("secrets" in text for text in _texts(job.content)):
            yield f"{workflow.name}: {job.id} uses a secret"
        for step in job.steps_of(_CREDENTIALS):
            role = step["with"].get("role-to-assume", "")
            roles = [each.get("role", "") for each in job.matrix]
            for each in roles if role == "${{ matrix.role }}" else [role]:
                if not _VARIABLE.fullmatch(each):
                    yield f"{workflow.name}: {job.id} assumes a role that no variable says"
            if step["with"].keys() != {"role-to-assume", "aws-region"}:
                yield f"{workflow.name}: {job.id} needs a role and a region"


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)
    else:
        yield str(content)


def every_variable_is_explained(repository: Repository) -> Iterator[str]:
    """The head of deploy.yml says what has to be set up, and nothing else has to."""
    used = {name for each in repository.workflows for name in _VARIABLE.findall(each.text)}
    [deploy] = [each for each in repository.workflows if each.name == "deploy.yml"]
    head = deploy.text.partition("\nname:")[0]
    explained = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", head))
    if used != explained:
        yield f"deploy.yml: explain {used - explained}, and not {explained - used}"


RULES: tuple[Rule, ...] = (
    actions_are_pinned_to_commits,
    permissions_are_the_least,
    nobody_else_starts_a_workflow,
    forks_are_skipped,
    every_job_has_a_time_limit,
    checkouts_keep_no_credentials,
    scripts_hold_no_expressions,
    scripts_end_at_the_first_failure,
    there_are_no_long_lived_keys,
    every_variable_is_explained,
)
