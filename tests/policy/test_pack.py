"""The whole pack over everything that the real program registers for each stack."""

import re
from pathlib import Path
from typing import Any

import pulumi_aws
import pytest
from pulumi_policy import EnforcementLevel
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

import rules
from rules import RULES
from rules.reading import types
from rules.tags import TAKES_NO_TAGS
from rules.wildcard_grants import DOCUMENTS
from tests.policy.conftest import Registered
from tests.policy.seen import Seen, found

STACKS = ["dev", "prod", "local"]
EVERYWHERE = {"function-secrets", "wildcard-grants"}
OPEN = '{"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:of:one"}}'
UNOWNED = {"project": "openai-batch-flows", "stack": "dev"}
# By rule: a resource of the program, what is taken from it, and whom the rule then complains of.
SPOILED: dict[str, tuple[str, dict[str, Any], str]] = {
    "bucket-encryption": ("labels-batches-encryption", {"rules": []}, "labels-batches-bucket"),
    "bucket-privacy": (
        "labels-batches-closed",
        {"blockPublicAcls": False},
        "labels-batches-bucket",
    ),
    "function-concurrency": (
        "documents-ingest-on-documents-download-queue",
        {"scalingConfig": None},
        "documents-ingest-function",
    ),
    "function-failure-destination": (
        "labels-submit-failures",
        {"destinationConfig": None},
        "labels-submit-function",
    ),
    "function-secrets": (
        "labels-apply-function",
        {"environment": {"variables": {"OPENAI_API_KEY": "any"}}},
        "labels-apply-function",
    ),
    "function-tracing": ("labels-apply-function", {"tracingConfig": None}, "labels-apply-function"),
    "log-retention": ("labels-poll-logs", {"retentionInDays": 0}, "labels-poll-logs"),
    "machine-logging": (
        "labels-poll-state-machine",
        {"loggingConfiguration": {"level": "OFF"}},
        "labels-poll-state-machine",
    ),
    "machine-timeout": (
        "labels-poll-state-machine",
        {"definition": "{}"},
        "labels-poll-state-machine",
    ),
    "queue-dead-letters": (
        "documents-download-queue",
        {"redrivePolicy": None},
        "documents-download-queue",
    ),
    "queue-encryption": (
        "labels-dead-letters",
        {"sqsManagedSseEnabled": False},
        "labels-dead-letters",
    ),
    "queue-visibility": (
        "documents-download-queue",
        {"visibilityTimeoutSeconds": 1804},
        "documents-ingest-on-documents-download-queue",
    ),
    "table-encryption": ("labels-table", {"serverSideEncryption": None}, "labels-table"),
    "table-recovery": ("labels-table", {"pointInTimeRecovery": None}, "labels-table"),
    "tags": ("openai-key-secret", {"tags": UNOWNED}, "openai-key-secret"),
    "wildcard-grants": (
        "documents-vector-store-batch-failures-policy",
        {"policy": OPEN},
        "documents-vector-store-batch-failures-policy",
    ),
}


def spoil(resources: list[Seen], name: str, changes: dict[str, Any]) -> list[Seen]:
    """The stack with one resource changed."""
    assert [each.name for each in resources].count(name) == 1
    return [each.with_inputs(**changes) if each.name == name else each for each in resources]


def first_preview(resources: list[Seen]) -> list[Seen]:
    """The stack as before its first deployment: what AWS makes is unknown, and all made of it."""
    made = {
        each.outputs[key] for each in resources for key in ("arn", "url") if key in each.outputs
    }
    names = {each.outputs["name"] for each in resources if "name" in each.outputs}
    unknown = re.compile("|".join(map(re.escape, made | names)))

    def as_known(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: as_known(item) for key, item in value.items()}
        if isinstance(value, list):
            return [as_known(item) for item in value]
        text = isinstance(value, str) and unknown.search(value)
        return UNKNOWN_STRING_VALUE if text else value

    return [
        Seen(e.urn, e.type, e.name, as_known(e.inputs), as_known(e.outputs), e.refers)
        for e in resources
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_the_program_breaks_no_rule(registered: Registered, stack: str) -> None:
    resources = registered(stack)
    assert len(resources) > 100
    assert found(resources) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_awake_over_the_program(registered: Registered, rule: Any) -> None:
    name, changes, blamed = SPOILED[rule.name]
    findings = found(spoil(registered("dev"), name, changes), [rule])
    assert [(each.resource, each.is_violation) for each in findings] == [(blamed, True)]


@pytest.mark.parametrize("stack", STACKS)
def test_a_first_preview_breaks_no_rule_and_says_what_it_cannot_know(
    registered: Registered, stack: str
) -> None:
    findings = found(first_preview(registered(stack)))
    assert [each for each in findings if each.is_violation] == []
    assert {each.rule for each in findings} == {
        "function-concurrency",
        "function-secrets",
        "machine-timeout",
        "wildcard-grants",
    }
    assert {each.level for each in findings} == {"ADVISORY"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_first_preview_finds_what_is_wrong(registered: Registered, rule: Any) -> None:
    name, changes, blamed = SPOILED[rule.name]
    findings = found(spoil(first_preview(registered("dev")), name, changes), [rule])
    assert [each.resource for each in findings if each.is_violation] == [blamed]


def test_every_type_that_a_rule_looks_for_is_one_of_the_program(registered: Registered) -> None:
    tokens = {value for name, value in vars(types).items() if name.isupper()}
    looked_at = {token for rule in RULES for token in rule.types or ()}
    assert looked_at <= tokens
    assert tokens | TAKES_NO_TAGS <= {each.type for each in registered("dev")}


def test_every_property_that_holds_a_policy_document_is_one_of_the_program(
    registered: Registered,
) -> None:
    held = {key for each in registered("dev") for key in each.inputs}
    assert held.issuperset(DOCUMENTS)


def test_the_types_without_tags_are_those_of_pulumi_aws(registered: Registered) -> None:
    tokens = {each.type for each in registered("dev") if each.type.startswith("aws:")}
    assert {token for token in tokens if not hasattr(_class(token), "tags")} == TAKES_NO_TAGS


def _class(token: str) -> type:
    module = token.removeprefix("aws:").partition("/")[0].replace("lambda", "lambda_")
    found: type = getattr(getattr(pulumi_aws, module), token.rpartition(":")[2])
    return found


def test_production_is_held_to_every_rule_and_other_stacks_are_advised(
    registered: Registered,
) -> None:
    for stack, level in (("prod", "MANDATORY"), ("dev", "ADVISORY"), (None, "ADVISORY")):
        for rule, (name, changes, _) in SPOILED.items():
            [finding] = found(
                spoil(registered("dev"), name, changes),
                [each for each in RULES if each.name == rule],
                rules.default_level(stack),
            )
            assert finding.level == ("MANDATORY" if rule in EVERYWHERE else level), rule


def test_a_rule_is_a_file_of_its_name() -> None:
    folder = Path(rules.__file__).parent
    files = {file.stem.replace("_", "-") for file in folder.glob("*.py")} - {"--init--"}
    assert sorted(rule.name for rule in RULES) == sorted(files)
    assert len({rule.name for rule in RULES}) == len(RULES) == 16
    assert all(rule.enforcement_level is not EnforcementLevel.DISABLED for rule in RULES)
