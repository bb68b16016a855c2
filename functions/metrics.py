"""Every metric that a function writes, by name and unit: what is not here cannot be counted.

They are in the stack's own namespace, each with the dimension ``service``, the name of the function
that writes it; those of ``BY_MODEL`` with ``model`` as well. The dashboard and the alarms of
``infra/monitoring`` name them from here, so this module imports nothing that is not Python's own.
"""

from enum import StrEnum

SERVICE, MODEL = "service", "model"


class Metric(StrEnum):
    """The value is the name in CloudWatch."""

    # Documents
    DOWNLOADS_FAILED = "DownloadsFailed"
    FILES_UPLOADED = "FilesUploaded"
    RECORDS_FAILED = "RecordsFailed"
    EXECUTIONS_STARTED = "ExecutionsStarted"
    FILE_BATCH_CHECKS = "FileBatchChecks"
    """Of a batch in whatever state: a batch that is polled ten times counts ten."""
    CHECK_FAILURES = "CheckFailures"
    """Checks that could not say how their batch stands. Lambda's ``Errors`` have these and every
    check of a batch that is still under way, as that is an error for the state machine to retry."""
    FILE_BATCHES_COMPLETED = "FileBatchesCompleted"
    FILE_BATCHES_FAILED = "FileBatchesFailed"
    FILES_FAILED = "FilesFailed"
    ANALYSES_STORED = "AnalysesStored"
    MESSAGE_TO_ANALYSIS = "MessageToAnalysis"
    """From the arrival of a batch's oldest message to its analysis."""
    FILES_SWEPT = "FilesSwept"

    # Labels
    LABELS_SUBMITTED = "LabelsSubmitted"
    LABELS_WAITING = "LabelsWaiting"
    LABELS_THAT_CANNOT_BE_ASKED = "LabelsThatCannotBeAsked"
    LABELS_RELEASED = "LabelsReleased"
    BUDGET_STOPS = "BudgetStops"
    """Submissions that sent nothing, or no more, as it would have cost too much."""
    BATCHES_SUBMITTED = "BatchesSubmitted"
    BATCHES_ADOPTED = "BatchesAdopted"
    BATCHES_RELEASED = "BatchesReleased"
    BATCHES_COMPLETED = "BatchesCompleted"
    BATCHES_FAILED = "BatchesFailed"
    BATCHES_EXPIRED = "BatchesExpired"
    BATCHES_CANCELLED = "BatchesCancelled"
    OLDEST_BATCH_AGE = "OldestBatchAge"
    """Since the submission of the oldest batch whose labels still wait for its answers."""
    QUEUED_TOKEN_LIMIT = "QueuedTokenLimit"  # noqa: S105 - a name, and no secret
    STATUS_CHECKS_FAILED = "StatusChecksFailed"
    JOBS_NOT_FOUND = "JobsNotFound"
    JOBS_GIVEN_UP = "JobsGivenUp"
    STUCK_JOBS_CANCELLED = "StuckJobsCancelled"
    UNKNOWN_BATCH_STATUS = "UnknownBatchStatus"
    RESULT_FILES_GONE = "ResultFilesGone"
    LINES_WITHOUT_ANSWER = "LinesWithoutAnswer"
    ANSWERS_UNUSABLE = "AnswersUnusable"
    ANSWERS_FOREIGN = "AnswersForeign"
    LABELS_VALID = "LabelsValid"
    LABELS_INVALID = "LabelsInvalid"
    LABELS_NEED_REVIEW = "LabelsNeedReview"
    LABELS_SUPERSEDED = "LabelsSuperseded"
    LABELS_ASKED_AGAIN = "LabelsAskedAgain"
    INVALID_ITEMS = "InvalidItems"
    WORDS_PROJECTED = "WordsProjected"
    VECTORS_MISSING = "VectorsMissing"
    PROJECTIONS_FAILED = "ProjectionsFailed"
    WEBHOOKS_ACCEPTED = "WebhooksAccepted"
    """Of OpenAI's, that told of a job's end, the repeated ones among them."""
    WEBHOOKS_REFUSED = "WebhooksRefused"
    """Forged, stale, malformed, or before there is a secret: anybody can send these."""

    # What a model's answers used and cost
    INPUT_TOKENS = "InputTokens"
    OUTPUT_TOKENS = "OutputTokens"
    COST_USD = "CostUsd"
    ANSWERS_WITHOUT_PRICE = "AnswersWithoutPrice"
    """Whose cost nobody knows, as their model is in no table of prices: it is not nothing."""

    @property
    def unit(self) -> str:
        """As CloudWatch names it."""
        return _UNITS.get(self, "Count")


_UNITS = {
    Metric.MESSAGE_TO_ANALYSIS: "Seconds",
    Metric.OLDEST_BATCH_AGE: "Seconds",
    Metric.COST_USD: "None",
}
BY_MODEL = frozenset(
    {Metric.INPUT_TOKENS, Metric.OUTPUT_TOKENS, Metric.COST_USD, Metric.ANSWERS_WITHOUT_PRICE}
)
