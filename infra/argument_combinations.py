"""The combinations that cannot work, refused of arguments that another program gives a component.

``combinations`` has the rules, in the words of the stack's settings. Here each argument is shown to
them as the setting that it is, and what they say is told in the arguments' own words.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pulumi
from pydantic.alias_generators import to_camel

from infra.combinations import impossible_documents, impossible_labels
from infra.problems import Problem

if TYPE_CHECKING:
    from infra.completion_flow import CompletionFlowArgs
    from infra.ingest_pipeline import IngestPipelineArgs

_DOCUMENTS = {
    "ingest_batch_size": "ingest.batch_size",
    "ingest_batch_window_seconds": "ingest.batch_window_seconds",
    "ingest_timeout_seconds": "ingest.timeout_seconds",
    "ingest_visibility_timeout_seconds": "ingest.visibility_timeout_seconds",
    "ingest_memory_megabytes": "ingest.memory_megabytes",
    "download_max_bytes": "ingest.download_max_bytes",
    "download_timeout_seconds": "ingest.download_timeout_seconds",
    "download_allow_loopback": "ingest.download_allow_loopback",
    "analysis_timeout_seconds": "analysis.timeout_seconds",
    "analysis_visibility_timeout_seconds": "analysis.visibility_timeout_seconds",
    "queue_max_receives": "queue_max_receives",
    "queue_retry_delay_seconds": "queue_retry_delay_seconds",
    "polling": "polling",
    "vector_store_poll_interval_seconds": "polling.interval_seconds",
    "vector_store_poll_max_attempts": "polling.max_attempts",
    "vector_store_poll_backoff_rate": "polling.backoff_rate",
    "vector_store_poll_max_delay_seconds": "polling.max_delay_seconds",
    "vector_store_flow_timeout_seconds": "polling.flow_timeout_seconds",
}
_LABELS = {
    "completion_model": "completion.model",
    "completion_max_cost_usd": "completion.max_cost_usd",
    "completion_poll_max_batches": "completion.poll_max_batches",
    "completion_polling": "polling",
}


class ArgumentsError(pulumi.RunError):
    """A component's arguments cannot work together; the message says which and what would do."""


def refuse_impossible_documents(name: str, args: "IngestPipelineArgs") -> None:
    """ArgumentsError if AWS would refuse the document flow ``name``, or if it would lose work."""
    _refuse(name, args, _DOCUMENTS, impossible_documents)


def refuse_impossible_labels(name: str, args: "CompletionFlowArgs") -> None:
    """ArgumentsError if AWS would refuse the label completion ``name``, or it would lose work."""
    _refuse(name, args, _LABELS, impossible_labels)


def _refuse(
    name: str, args: Any, paths: Mapping[str, str], rules: Callable[[Any], Iterable[Problem]]
) -> None:
    shown = {setting: attrgetter(path)(args) for setting, path in paths.items()}
    problems = list(rules(SimpleNamespace(stack=pulumi.get_stack(), **shown)))
    if problems:
        raise ArgumentsError(
            f"The arguments of {name} cannot work together.\n\n"
            + "\n".join(_told(problem, paths) for problem in problems)
        )


def _told(problem: Problem, paths: Mapping[str, str]) -> str:
    arguments = {to_camel(setting): path for setting, path in paths.items()}
    told = f"{problem.key} {problem.found}. Allowed: {problem.allowed}. {problem.mend} would do."
    return re.sub(r"\w+", lambda word: arguments.get(word[0], word[0]), told)
