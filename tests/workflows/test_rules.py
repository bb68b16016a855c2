"""The workflows keep every rule, and every rule catches a workflow that does not."""

from dataclasses import replace

import pytest

from tests.workflows.deployment_rules import (
    DEPLOYMENT_RULES,
    an_update_is_never_cut_off,
    every_stack_is_previewed_and_deployed_once,
    everything_is_checked_on_each_python,
    main_is_deployed_checked_and_production_last,
    pulumi_is_told_the_stack_and_the_policies,
    the_environment_of_a_stack_guards_it,
)
from tests.workflows.reading import Repository, Workflow, repository
from tests.workflows.rules import (
    RULES,
    Rule,
    actions_are_pinned_to_commits,
    checkouts_keep_no_credentials,
    every_job_has_a_time_limit,
    every_variable_is_explained,
    forks_are_skipped,
    nobody_else_starts_a_workflow,
    permissions_are_the_least,
    scripts_end_at_the_first_failure,
    scripts_hold_no_expressions,
    there_are_no_long_lived_keys,
)

EVERY_RULE = (*RULES, *DEPLOYMENT_RULES)
CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
DEPLOY_ROLE = "role-to-assume: ${{ vars.AWS_DEPLOY_ROLE_ARN }}"
ONLY_OURS = "    if: github.event.pull_request.head.repo.full_name == github.repository\n"
PROD = """          - stack: prod
            role: ${{ vars.AWS_PREVIEW_ROLE_ARN_PROD }}
"""
ONE_AT_A_TIME = """    concurrency:
      group: stack-${{ inputs.stack }}
      cancel-in-progress: false
"""
NEWEST_ONLY = "\nconcurrency: {group: deploy, cancel-in-progress: true}\npermissions: {}\n"
# The rule, the file, and what is written there instead of what.
BROKEN: list[tuple[Rule, str, str, str]] = [
    (actions_are_pinned_to_commits, "up.yml", CHECKOUT, "actions/checkout@v7"),
    (actions_are_pinned_to_commits, "up.yml", CHECKOUT, "actions/checkout@3d3c42e # v7.0.1"),
    (actions_are_pinned_to_commits, "up.yml", CHECKOUT, CHECKOUT.partition(" ")[0]),
    (actions_are_pinned_to_commits, "up.yml", CHECKOUT, CHECKOUT.replace("v7.0.1", "v7")),
    (actions_are_pinned_to_commits, "up.yml", CHECKOUT, CHECKOUT.replace("7.0.1", "7.0.0")),
    (actions_are_pinned_to_commits, "deploy.yml", "/up.yml", "/upp.yml"),
    (permissions_are_the_least, "check.yml", "permissions: {}", "permissions: read-all"),
    (permissions_are_the_least, "check.yml", "contents: read", "contents: write"),
    (
        permissions_are_the_least,
        "check.yml",
        "contents: read",
        "contents: read\n      id-token: write",
    ),
    (
        permissions_are_the_least,
        "deploy.yml",
        "id-token: write",
        "id-token: write\n      packages: write",
    ),
    (permissions_are_the_least, "preview.yml", "      pull-requests: write # the comment\n", ""),
    (nobody_else_starts_a_workflow, "preview.yml", "  pull_request:", "  pull_request_target:"),
    (nobody_else_starts_a_workflow, "check.yml", "  workflow_call:", "  workflow_run:"),
    (nobody_else_starts_a_workflow, "deploy.yml", "[main]", "[main, 'feature/**']"),
    (nobody_else_starts_a_workflow, "deploy.yml", "push:\n    branches: [main]", "push:"),
    (forks_are_skipped, "preview.yml", ONLY_OURS, ""),
    (forks_are_skipped, "preview.yml", ONLY_OURS, ONLY_OURS.replace("==", "!=")),
    (every_job_has_a_time_limit, "check.yml", "    timeout-minutes: 45\n", ""),
    (every_job_has_a_time_limit, "up.yml", "minutes: 60", "minutes: 600"),
    (checkouts_keep_no_credentials, "check.yml", "persist-credentials: false", "fetch-depth: 1"),
    (checkouts_keep_no_credentials, "up.yml", "credentials: false", "credentials: true"),
    (scripts_hold_no_expressions, "up.yml", '"$STACK"', '"${{ inputs.stack }}"'),
    (scripts_hold_no_expressions, "preview.yml", '"$MARKER"', '"${{ github.head_ref }}"'),
    (scripts_end_at_the_first_failure, "preview.yml", "shell: bash", "shell: sh"),
    (scripts_end_at_the_first_failure, "up.yml", "defaults:\n  run:\n    shell: bash\n", ""),
    (scripts_end_at_the_first_failure, "up.yml", "- name: Up", "- name: Up\n        shell: sh"),
    (there_are_no_long_lived_keys, "up.yml", DEPLOY_ROLE, "aws-access-key-id: AKIA"),
    (there_are_no_long_lived_keys, "up.yml", DEPLOY_ROLE, "role-to-assume: arn:aws:iam::1:role/a"),
    (there_are_no_long_lived_keys, "preview.yml", "github.token", "secrets.GH_TOKEN"),
    (there_are_no_long_lived_keys, "preview.yml", "${{ vars.AWS_PREVIEW_ROLE_ARN_PROD }}", "arn"),
    (there_are_no_long_lived_keys, "deploy.yml", "    needs: dev", "    secrets: inherit"),
    (every_variable_is_explained, "up.yml", "vars.AWS_REGION", "vars.REGION"),
    (every_variable_is_explained, "deploy.yml", "AWS_REGION,", "AWS_REGION, AWS_ACCOUNT,"),
    (every_stack_is_previewed_and_deployed_once, "preview.yml", PROD, ""),
    (every_stack_is_previewed_and_deployed_once, "preview.yml", PROD, PROD + PROD),
    (every_stack_is_previewed_and_deployed_once, "preview.yml", "stack: prod", "stack: local"),
    (every_stack_is_previewed_and_deployed_once, "preview.yml", "  pull_request:", "  push:"),
    (every_stack_is_previewed_and_deployed_once, "preview.yml", "pulumi preview ", "pulumi about "),
    (every_stack_is_previewed_and_deployed_once, "deploy.yml", "stack: prod", "stack: dev"),
    (every_stack_is_previewed_and_deployed_once, "up.yml", "pulumi up ", "pulumi about "),
    (pulumi_is_told_the_stack_and_the_policies, "up.yml", " --policy-pack policy", ""),
    (pulumi_is_told_the_stack_and_the_policies, "preview.yml", " --policy-pack policy", ""),
    (pulumi_is_told_the_stack_and_the_policies, "up.yml", '--stack "$STACK"', "--stack dev"),
    (pulumi_is_told_the_stack_and_the_policies, "up.yml", " --non-interactive", ""),
    (pulumi_is_told_the_stack_and_the_policies, "preview.yml", "(cd policy && pulumi install)", ""),
    (
        pulumi_is_told_the_stack_and_the_policies,
        "up.yml",
        "STACK: ${{ inputs.stack }}",
        "STACK: dev",
    ),
    (pulumi_is_told_the_stack_and_the_policies, "up.yml", "${{ vars.PULUMI_BACKEND_URL }}", "''"),
    (an_update_is_never_cut_off, "up.yml", "in-progress: false", "in-progress: true"),
    (an_update_is_never_cut_off, "up.yml", "in-progress: false", "in-progress: ${{ inputs.now }}"),
    (an_update_is_never_cut_off, "up.yml", "group: stack-${{ inputs.stack }}", "group: any"),
    (an_update_is_never_cut_off, "up.yml", ONE_AT_A_TIME, ""),
    (an_update_is_never_cut_off, "up.yml", "\npermissions: {}\n", NEWEST_ONLY),
    (an_update_is_never_cut_off, "deploy.yml", "\npermissions: {}\n", NEWEST_ONLY),
    (the_environment_of_a_stack_guards_it, "up.yml", "environment: ${{ inputs.stack }}", "env: {}"),
    (
        the_environment_of_a_stack_guards_it,
        "up.yml",
        "  workflow_call:",
        "  push:\n  workflow_call:",
    ),
    (main_is_deployed_checked_and_production_last, "deploy.yml", "    needs: check\n", ""),
    (main_is_deployed_checked_and_production_last, "deploy.yml", "needs: dev", "needs: check"),
    (main_is_deployed_checked_and_production_last, "deploy.yml", "/check.yml", "/preview.yml"),
    (
        main_is_deployed_checked_and_production_last,
        "deploy.yml",
        "needs: dev",
        "needs: dev\n    if: always()",
    ),
    (main_is_deployed_checked_and_production_last, "deploy.yml", "  push:", "  pull_request:"),
    (everything_is_checked_on_each_python, "check.yml", ".ci/run", "make test"),
    (everything_is_checked_on_each_python, "check.yml", '["3.11", "3.13"]', '["3.13"]'),
    (everything_is_checked_on_each_python, "check.yml", "  pull_request:\n", ""),
]


@pytest.fixture(scope="module")
def ours() -> Repository:
    return repository()


def changed(whole: Repository, file: str, old: str, new: str) -> Repository:
    """The repository with another text in one workflow."""
    [workflow] = [each for each in whole.workflows if each.name == file]
    assert old in workflow.text
    other = Workflow(file, workflow.text.replace(old, new))
    return replace(whole, workflows=[*(w for w in whole.workflows if w != workflow), other])


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_the_workflows_keep_the_rule(ours: Repository, rule: Rule) -> None:
    assert list(rule(ours)) == []


@pytest.mark.parametrize(("rule", "file", "old", "new"), BROKEN)
def test_a_workflow_that_breaks_the_rule_is_caught(
    ours: Repository, rule: Rule, file: str, old: str, new: str
) -> None:
    assert list(rule(changed(ours, file, old, new))) != []


def test_every_rule_is_seen_to_catch_something() -> None:
    assert {rule for rule, *_ in BROKEN} == set(EVERY_RULE)


def test_a_stack_with_a_new_file_has_to_be_previewed_and_deployed(ours: Repository) -> None:
    another = replace(ours, stacks=ours.stacks | {"staging"})
    assert len(list(every_stack_is_previewed_and_deployed_once(another))) == 2


def test_the_workflows_are_those_of_this_repository(ours: Repository) -> None:
    assert {each.name for each in ours.workflows} >= {"check.yml", "preview.yml", "deploy.yml"}
    assert ours.stacks >= {"dev", "prod"}
