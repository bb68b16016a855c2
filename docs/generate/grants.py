"""Who may do what, read from the policies that the program registers."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from docs.generate import markdown
from docs.generate.program import Program, Resource, logical_name

# What every function and machine has: the page says so once.
_OF_ALL = ("logs:", "xray:")
_DOCUMENTS = {
    "aws:s3/bucketPolicy:BucketPolicy": "bucket",
    "aws:sns/topicPolicy:TopicPolicy": "arn",
    "aws:sqs/queuePolicy:QueuePolicy": "queueUrl",
}


def roles(program: Program) -> str:
    """A table of what each role may do, but for logs and traces."""
    granted: dict[tuple[str, str], list[str]] = defaultdict(list)
    for policy in program.of("aws:iam/rolePolicy:RolePolicy"):
        role = logical_name(policy.inputs["role"]).removesuffix("-role")
        for statement in policy.document("policy")["Statement"]:
            on = _on(statement["Resource"]) + _if(statement)
            actions = (a for a in statement["Action"] if not a.startswith(_OF_ALL))
            granted[role, on] += actions
    rows = [
        (role, markdown.codes(sorted(actions)), on)
        for (role, on), actions in sorted(granted.items())
        if actions
    ]
    return markdown.table(
        ["who", "may", "on"],
        [
            ("" if n and rows[n - 1][0] == role else markdown.code(role), may, on)
            for n, (role, may, on) in enumerate(rows)
        ],
    )


def resources(program: Program) -> str:
    """A table of what resources themselves let others do, or refuse."""
    documents = (
        (resource, statement)
        for token in _DOCUMENTS
        for resource in program.of(token)
        for statement in resource.document("policy")["Statement"]
    )
    rows = [_let(statement) for _, statement in documents]
    rows += map(_permission, program.of("aws:lambda/permission:Permission"))
    return markdown.table(["who", "", "what", "on"], sorted(rows))


def _let(statement: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return (
        _principal(statement["Principal"]),
        {"Allow": "may", "Deny": "may not"}[statement["Effect"]],
        markdown.codes(_each(statement["Action"])),
        _on(_each(statement["Resource"])) + _if(statement),
    )


def _permission(resource: Resource) -> tuple[str, str, str, str]:
    given = resource.inputs
    kind = given.get("functionUrlAuthType")
    condition = f", where the URL's authentication is `{kind}`" if kind else ""
    if given.get("invokedViaFunctionUrl"):
        condition += ", through the function's URL"
    on = markdown.code(logical_name(given["function"])) + condition
    return (_principal(given["principal"]), "may", markdown.code(given["action"]), on)


def _principal(principal: str | Mapping[str, str]) -> str:
    name = principal if isinstance(principal, str) else ", ".join(principal.values())
    return "anybody" if name == "*" else markdown.code(name)


def _on(resources: Sequence[str]) -> str:
    if list(resources) == ["*"]:
        return "everything, as AWS grants it on all or nothing"
    return markdown.codes(dict.fromkeys(map(logical_name, resources)))


def _if(statement: Mapping[str, Any]) -> str:
    return "".join(_conditions(statement.get("Condition", {})))


def _conditions(condition: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for operator, tests in condition.items():
        for key, value in tests.items():
            values = markdown.codes(logical_name(str(each)) for each in _each(value))
            yield f", where {markdown.code(key)} {operator} {values}"


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
