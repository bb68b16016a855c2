"""The components' arguments: the defaults, bounds and words of the keys that set them here."""

import ast
import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any

import pulumi
import pytest
import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

import infra
from infra.argument_combinations import (
    ArgumentsError,
    refuse_impossible_documents,
    refuse_impossible_labels,
)
from infra.settings import Settings
from tests.infra.conftest import ROOT

DECLARED: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
CLASSES: Mapping[str, Any] = {
    cls.__name__: cls
    for cls in (
        infra.OpenAIAccess,
        infra.PineconeAccess,
        infra.IngestPipelineArgs,
        infra.IngestArgs,
        infra.Polling,
        infra.AnalysisArgs,
        infra.CompletionFlowArgs,
        infra.CompletionSettings,
        infra.CompletionPolling,
        infra.CompletionSchedules,
    )
}
# What is no setting as it stands: a resource, a group, or hours that become seconds.
OTHERWISE = {
    "OpenAIAccess": {"key_secret_arn"},
    "PineconeAccess": {"key_secret_arn"},
    "IngestPipelineArgs": {"openai", "code", "ingest", "polling", "analysis"},
    "CompletionFlowArgs": {"openai", "code", "pinecone", "completion", "polling", "schedules"},
    "IngestArgs": {"refresh_after_seconds"},
}
OPENAI = infra.OpenAIAccess(key_secret_arn="arn:key")
CODE = pulumi.FileArchive(".")


def made_here() -> Iterator[tuple[str, dict[str, ast.expr]]]:
    """Each of the arguments' classes, with what this repository's own program gives it."""
    for path in (ROOT / "__main__.py", ROOT / "infra" / "settings.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id=name), keywords=keywords) if name in CLASSES:
                    yield name, {str(keyword.arg): keyword.value for keyword in keywords}


MADE_HERE = dict(made_here())
SET_BY = [
    (CLASSES[name], argument, value.attr)
    for name, given in MADE_HERE.items()
    for argument, value in given.items()
    if argument not in OTHERWISE.get(name, ())
    if isinstance(value, ast.Attribute)
]
set_by = pytest.mark.parametrize(
    ("cls", "argument", "setting"), SET_BY, ids=[f"{cls.__name__}.{a}" for cls, a, _ in SET_BY]
)


def test_this_program_gives_every_argument_itself_and_nearly_each_is_a_setting() -> None:
    fields = {name: {f.name for f in dataclasses.fields(cls)} for name, cls in CLASSES.items()}
    assert {name: set(given) for name, given in MADE_HERE.items()} == fields
    found = {name: OTHERWISE.get(name, set()) for name in CLASSES}
    for cls, argument, _ in SET_BY:
        found[cls.__name__] = found[cls.__name__] | {argument}
    assert found == fields


@set_by
def test_an_argument_has_the_bounds_of_its_setting(cls: Any, argument: str, setting: str) -> None:
    assert bounds(field(cls, argument)) == bounds(Settings.model_fields[setting])


@set_by
def test_an_argument_that_is_left_out_has_the_declared_default(
    cls: Any, argument: str, setting: str
) -> None:
    if (cls, argument) == (infra.PineconeAccess, "index_host"):
        assert field(cls, argument).is_required()
        return
    values = {key: spec["default"] for key, spec in DECLARED.items()}
    unset = dict.fromkeys(k for k, f in Settings.model_fields.items() if f.annotation is Any)
    defaults = Settings.model_validate(
        {**values, **{to_camel(k): None for k in unset}, "stack": "dev"}
    )
    assert field(cls, argument).default == getattr(defaults, setting)


@set_by
def test_an_argument_says_what_its_key_says(cls: Any, argument: str, setting: str) -> None:
    description = DECLARED[to_camel(setting)]["description"]
    assert words(cls)[argument] == f"{description.replace(', empty for', ', none for')}."


def test_what_is_hours_in_the_settings_is_seconds_in_the_arguments() -> None:
    hours = Settings.model_fields["ingest_refresh_after_hours"]
    seconds = field(infra.IngestArgs, "refresh_after_seconds")
    assert seconds.default == DECLARED["ingestRefreshAfterHours"]["default"] * 3600
    assert bounds(seconds)["maximum"] == bounds(hours)["maximum"] * 3600


@pytest.mark.parametrize(
    ("cls", "arguments", "told"),
    [
        (infra.IngestArgs, {"batch_size": 1_001}, "batch_size"),
        (infra.IngestArgs, {"batch_size": 2.5}, "batch_size"),
        (infra.IngestArgs, {"batchsize": 2}, "batchsize"),
        (infra.IngestArgs, {"download_ports": [0]}, "download_ports"),
        (infra.IngestArgs, {"max_concurrency": pulumi.Output.from_input(5)}, "max_concurrency"),
        (infra.OpenAIAccess, {"key_secret_arn": "a", "base_url": "ftp://x"}, "base_url"),
        (infra.PineconeAccess, {"key_secret_arn": "a", "index_host": "words"}, "index_host"),
        (infra.CompletionFlowArgs, {"log_retention_days": 8}, "log_retention_days"),
        (infra.IngestPipelineArgs, {"openai": "sk-key"}, "openai"),
        (infra.IngestPipelineArgs, {"code": "functions.zip"}, "code"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_by_name(
    cls: Any, arguments: dict[str, Any], told: str
) -> None:
    required = {"openai": OPENAI, "code": CODE} if "openai" in cls.__pydantic_fields__ else {}
    with pytest.raises(ValidationError, match=told):
        cls(**{**required, **arguments})


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (infra.IngestPipelineArgs, {"openai": "sk-planted"}),
        (infra.OpenAIAccess, {"key_secret_arn": "a", "api_key": "sk-planted"}),
        (infra.OpenAIAccess, {"key_secret_arn": "a", "base_url": "https://me:sk-planted@x"}),
    ],
)
def test_a_key_in_the_wrong_place_is_refused_without_being_told(
    cls: Any, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError) as refusal:
        cls(**arguments)
    assert "sk-planted" not in str(refusal.value)


DOCUMENTS: list[tuple[dict[str, Any], str]] = [
    (
        {"ingest": {"batch_size": 11, "batch_window_seconds": 0}},
        "ingest.batch_window_seconds is 0 with an ingest.batch_size of 11",
    ),
    (
        {"ingest": {"timeout_seconds": 316}},
        "ingest.visibility_timeout_seconds is 1900 with an ingest.timeout_seconds of 316.",
    ),
    (
        {"analysis": {"timeout_seconds": 301}},
        "analysis.visibility_timeout_seconds is 1800 with an analysis.timeout_seconds of 301",
    ),
    ({"queue_max_receives": 4}, "queue_max_receives is 4"),
    ({"queue_retry_delay_seconds": 0}, "queue_retry_delay_seconds is 0"),
    (
        {"polling": {"backoff_rate": 2, "interval_seconds": 300}},
        "polling.max_delay_seconds is 300 with a polling.interval_seconds of 300",
    ),
    ({"polling": {"max_attempts": 8_000}}, "polling.max_attempts is 8000"),
    ({"polling": {"flow_timeout_seconds": 60}}, "polling.flow_timeout_seconds is 60"),
    ({"ingest": {"download_allow_loopback": True}}, "ingest.download_allow_loopback is true"),
    ({"ingest": {"memory_megabytes": 1_000}}, "ingest.memory_megabytes is 1000"),
    (
        {"ingest": {"download_timeout_seconds": 151}},
        "ingest.download_timeout_seconds is 151 with an ingest.timeout_seconds of 300",
    ),
]
LABELS: list[tuple[dict[str, Any], str]] = [
    ({"completion": {"poll_max_batches": 5_000}}, "completion.poll_max_batches is 5000"),
    (
        {"completion": {"model": "gpt-unheard-of", "max_cost_usd": Decimal(1)}},
        "of which no price is known, and completion.max_cost_usd is set",
    ),
]


@pytest.mark.parametrize(("arguments", "told"), DOCUMENTS)
def test_arguments_that_cannot_work_together_are_refused_in_their_own_words(
    arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(ArgumentsError) as refusal:
        refuse_impossible_documents(
            "documents", infra.IngestPipelineArgs(openai=OPENAI, code=CODE, **arguments)
        )
    assert told in str(refusal.value)
    assert " would do." in str(refusal.value)


@pytest.mark.parametrize(("arguments", "told"), LABELS)
def test_so_are_those_of_the_label_completion(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ArgumentsError) as refusal:
        refuse_impossible_labels(
            "labels", infra.CompletionFlowArgs(openai=OPENAI, code=CODE, **arguments)
        )
    assert told in str(refusal.value)


def field(cls: Any, name: str) -> FieldInfo:
    found: FieldInfo = cls.__pydantic_fields__[name]
    return found


def bounds(info: FieldInfo) -> dict[str, Any]:
    """What is allowed, as a JSON schema."""
    checked: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    schema = TypeAdapter(checked).json_schema()
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


def words(cls: Any) -> dict[str, str]:
    """The text under each argument."""
    [node] = ast.parse(inspect.getsource(cls)).body
    assert isinstance(node, ast.ClassDef)
    return {
        before.target.id: " ".join(after.value.value.split())
        for before, after in zip(node.body, node.body[1:], strict=False)
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(after.value.value, str)
    }
