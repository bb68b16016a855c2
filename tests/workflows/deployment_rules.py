"""What has to be true of how stacks are previewed and deployed."""

from collections.abc import Iterator

from tests.workflows.reading import Job, Repository, Workflow
from tests.workflows.rules import Rule

_PREVIEW, _UP = "pulumi preview ", "pulumi up "


def every_stack_is_previewed_and_deployed_once(repository: Repository) -> Iterator[str]:
    """Those that have a file, but for the embedded AWS's own; and no others."""
    wanted = sorted(repository.stacks)
    previewed = [
        each.get("stack", "")
        for workflow, job in repository.jobs()
        if "pull_request" in workflow.triggers and job.runs(_PREVIEW)
        for each in job.matrix
    ]
    deployed = [_stack(job) for job in _deployments(repository)]
    for verb, stacks in (("previewed", previewed), ("deployed", deployed)):
        if sorted(stacks) != wanted:
            yield f"{sorted(stacks)} are {verb}, not {wanted}"


def pulumi_is_told_the_stack_and_the_policies(repository: Repository) -> Iterator[str]:
    """The pack's own packages are installed first."""
    for workflow, job in repository.jobs():
        for script in job.scripts:
            if _PREVIEW not in script and _UP not in script:
                continue
            for option in ('--stack "$STACK"', "--policy-pack policy", "--non-interactive"):
                if option not in script:
                    yield f"{workflow.name}: {job.id} runs pulumi without {option}"
            before = job.scripts[: job.scripts.index(script)]
            if not any("(cd policy && pulumi install)" in each for each in before):
                yield f"{workflow.name}: {job.id} does not install the policy pack"
            if job.content["env"] != _environment(job):
                yield f"{workflow.name}: {job.id} needs the environment {_environment(job)}"


def _environment(job: Job) -> dict[str, str]:
    source = "matrix" if job.matrix else "inputs"
    return {
        "STACK": f"${{{{ {source}.stack }}}}",
        "PULUMI_BACKEND_URL": "${{ vars.PULUMI_BACKEND_URL }}",
    }


def an_update_is_never_cut_off(repository: Repository) -> Iterator[str]:
    """It would leave operations pending in the stack's state. A stack has one at a time."""
    group = {"group": "stack-${{ inputs.stack }}", "cancel-in-progress": False}
    for workflow, job in repository.jobs():
        if job.runs(_UP) and job.content.get("concurrency") != group:
            yield f"{workflow.name}: the concurrency of {job.id} is {group}"
        updates = any(each.runs(_UP) for each in (job, *repository.called(job)))
        for cancelling in (workflow.content, job.content):
            concurrency = cancelling.get("concurrency", {})
            if updates and concurrency.get("cancel-in-progress", False) is not False:
                yield f"{workflow.name}: a newer run cancels {job.id}"


def the_environment_of_a_stack_guards_it(repository: Repository) -> Iterator[str]:
    """There GitHub asks for the approval, and the role trusts no other."""
    for workflow, job in repository.jobs():
        if job.runs(_UP):
            if job.content.get("environment") != "${{ inputs.stack }}":
                yield f"{workflow.name}: the environment of {job.id} is its stack"
            if workflow.triggers.keys() != {"workflow_call"}:
                yield f"{workflow.name}: deploy.yml alone starts it"


def main_is_deployed_checked_and_production_last(repository: Repository) -> Iterator[str]:
    """Each stack waits for the checks, and prod for all others."""
    for workflow in repository.workflows:
        deployments = [job for job in workflow.jobs if job in _deployments(repository)]
        if deployments and workflow.triggers.keys() != {"push"}:
            yield f"{workflow.name}: what is on main is deployed, and nothing else"
        for job in deployments:
            awaited = _awaited(workflow, job)
            if "check.yml" not in {each.calls for each in awaited}:
                yield f"{workflow.name}: {job.id} is deployed unchecked"
            others = [each for each in deployments if _stack(each) != "prod"]
            if _stack(job) == "prod" and not all(each in awaited for each in others):
                yield f"{workflow.name}: prod does not wait for all others"
            if "if" in job.content:
                yield f"{workflow.name}: {job.id} may not run after a failure"


def everything_is_checked_on_each_python(repository: Repository) -> Iterator[str]:
    """The same script as on anybody's machine."""
    checks = [
        (workflow, job)
        for workflow, job in repository.jobs()
        if job.scripts == [".ci/run"] and workflow.name == "check.yml"
    ]
    if len(checks) != 1:
        yield "check.yml: one job runs .ci/run"
    for workflow, job in checks:
        if "pull_request" not in workflow.triggers:
            yield "check.yml: it checks pull requests"
        pythons = job.content["strategy"]["matrix"]["python"]
        if sorted(pythons) != sorted(repository.pythons):
            yield f"check.yml: the versions of Python are {sorted(repository.pythons)}"


def _deployments(repository: Repository) -> list[Job]:
    """The jobs that have a stack updated."""
    return [
        job
        for _, job in repository.jobs()
        if any(called.runs(_UP) for called in repository.called(job))
    ]


def _stack(deployment: Job) -> str:
    return str(deployment.content.get("with", {}).get("stack"))


def _awaited(workflow: Workflow, job: Job) -> list[Job]:
    """The jobs that a job waits for, and those that they wait for."""
    awaited = [each for each in workflow.jobs if each.id in job.needs]
    return awaited + [further for each in awaited for further in _awaited(workflow, each)]


DEPLOYMENT_RULES: tuple[Rule, ...] = (
    every_stack_is_previewed_and_deployed_once,
    pulumi_is_told_the_stack_and_the_policies,
    an_update_is_never_cut_off,
    the_environment_of_a_stack_guards_it,
    main_is_deployed_checked_and_production_last,
    everything_is_checked_on_each_python,
)
