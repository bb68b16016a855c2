"""What there is to be watched in a stack, by the names that people see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi_aws as aws

from infra.arguments import CompletionSchedules
from infra.completion_flow import CompletionFlow
from infra.function import Function
from infra.ingest_pipeline import IngestPipeline
from infra.webhook import Webhook


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Both flows of a stack, and what they were set up with."""

    documents: IngestPipeline
    labels: CompletionFlow
    webhook: Webhook | None
    schedules: CompletionSchedules
    file_sweep_hours: int
    fallback_model: str
    analysis_model: str
    completion_model: str

    @property
    def dead_letters(self) -> Mapping[str, aws.sqs.Queue]:
        """Every dead-letter queue, by what its letters were about."""
        return {
            "download": self.documents.download.dead_letters,
            "file-batch": self.documents.flow.dead_letters,
            "market-analysis": self.documents.market_analysis.dead_letters,
            "file-sweep": self.documents.sweep.dead_letters,
            "labels": self.labels.dead_letters,
        }

    @property
    def document_functions(self) -> Sequence[Function]:
        """Those of the documents' way, the check of file batches among them."""
        flow = self.documents
        return [flow.ingest, flow.flow.check, flow.analyse, flow.sweep.function]

    @property
    def label_functions(self) -> Sequence[Function]:
        """Those of the labels' way."""
        webhook = [] if self.webhook is None else [self.webhook.function]
        return [*self.labels.functions.values(), *webhook]

    @property
    def unexpected_to_fail(self) -> Sequence[Function]:
        """Those whose ``Errors`` are errors: the check raises one for each batch under way."""
        functions = [*self.document_functions, *self.label_functions]
        return [function for function in functions if function is not self.documents.flow.check]
