"""What tables say of grants, bounds and imports is what there is."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from docs.generate import grants, markdown, packages
from docs.generate.components import components, functions
from docs.generate.configuration import allowed
from docs.generate.program import Program, logical_name


def cells(table: str) -> Iterator[list[str]]:
    """The rows of a table, without its head."""
    for line in table.splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def granted(table: str) -> set[tuple[str, str, str]]:
    """Who may do what on what, an action and a resource at a time."""
    found, who = set(), ""
    for role, actions, on in cells(table):
        who = role.strip("`") or who
        for action in re.findall("`([^`]+)`", actions):
            found |= {(who, action, resource) for resource in re.findall("`([^`]+)`", on) or [on]}
    return found


def test_the_table_of_roles_has_every_grant_but_those_that_all_have(registered: Program) -> None:
    expected = {
        (policy.inputs["role"].removesuffix("-role"), action, logical_name(resource))
        for policy in registered.of("aws:iam/rolePolicy:RolePolicy")
        for statement in policy.document("policy")["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
        if not re.match("logs:|xray:", action)
    }
    assert granted(grants.roles(registered)) == expected
    assert ("labels-project", "dynamodb:Query", "labels-table/index/GSI2") in expected
    assert ("documents-ingest", "secretsmanager:GetSecretValue", "openai-key-secret") in expected


def test_the_table_of_resources_says_who_is_let_in_and_who_is_not(registered: Program) -> None:
    rows = {tuple(row) for row in cells(grants.resources(registered))}
    bucket = "labels-batches-bucket"
    letters = "documents-vector-store-batch-dead-letters"
    rule = "documents-vector-store-batch-failures"
    assert {
        (
            "anybody",
            "may",
            "`lambda:InvokeFunctionUrl`",
            "`webhook-function`, where the URL's authentication is `NONE`",
        ),
        (
            "anybody",
            "may not",
            "`s3:*`",
            f"`{bucket}`, `{bucket}/*`, where `aws:SecureTransport` Bool `false`",
        ),
        (
            "`events.amazonaws.com`",
            "may",
            "`sqs:SendMessage`",
            f"`{letters}`, where `aws:SourceArn` ArnEquals `{rule}`",
        ),
    } <= rows


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 10**15}, "integer 1 to 1000000000000000"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 2.5}, "number above 0 up to 2.5"),
        (
            {"type": "integer", "minimum": 1, "maximum": 9, "empty": True},
            "integer 1 to 9, or empty",
        ),
        ({"type": "string"}, "text"),
        ({"type": "string", "minLength": 1}, "text that is not empty"),
        ({"type": "string", "maxLength": 9}, "text of 1 to 9 characters"),
        ({"type": "boolean"}, "`true` or `false`"),
        ({"type": "integer", "enum": [1, 3]}, "1, 3"),
        (
            {"type": "array", "maxItems": 2, "items": {"type": "string"}},
            "a list of up to 2, each text",
        ),
    ],
)
def test_bounds_are_told_in_words(schema: dict[str, Any], words: str) -> None:
    assert allowed(schema) == words


def test_imports_are_those_of_all_modules() -> None:
    assert packages.imports("functions") == []
    assert packages.imports("policy") == []
    assert {"functions", "infra"} <= set(packages.imports("local"))
    assert {"infra", "local"} <= set(packages.imports("docs/generate"))


def test_a_function_has_its_code_and_its_limits(registered: Program) -> None:
    [row] = [row for row in cells(functions(registered)) if row[0] == "`labels-collect-function`"]
    link = "functions/completions/handlers/collect.py"
    assert row[2:] == [f"[{link}](../{link})", "900", "1769"]
    assert "`CompletionPollFlow`" in row[1]
    assert "| [infra/webhook.py](../infra/webhook.py) |" in components(registered)


def test_a_bar_does_not_end_a_cell() -> None:
    assert markdown.table(["a"], [["b|c"]]) == "| a |\n| --- |\n| b&#124;c |\n"
