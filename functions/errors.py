"""Every error that leaves this package.

::

    FlowError
    ├── RetryableError              the same call may succeed later
    │   ├── OpenAIUnavailableError      429, 5xx, a time-out, no connection, an answer that is wrong
    │   ├── AwsUnavailableError         a throttle, a service error, a time-out
    │   ├── PineconeUnavailableError    the same of Pinecone
    │   ├── LeaseHeldError              another worker has the same work in hand
    │   ├── LeaseLostError              another worker took the work over
    │   └── CountsDisagreeError         a batch's outcomes are not as many as its targets
    ├── FinalError                  the same call will fail again
    │   ├── InvalidMessageError         a message, input or environment that breaks its model
    │   ├── OpenAIRejectedError         any other 4xx of OpenAI's
    │   │   └── OpenAINotFoundError         404: a store, file or batch that is not there
    │   ├── AwsRejectedError            any other client error of AWS's
    │   ├── PineconeRejectedError       any 4xx of Pinecone's
    │   ├── InvalidItemError            a table item that is not what its key says
    │   ├── UnusableAnswerError         a model's answer that is empty or breaks its model
    │   └── DownloadError               a document that could not be had from its URL
    ├── BatchPending                the file batch is still under way
    └── BatchFailed                 the file batch ended and nothing of it can be searched

Step Functions matches on class names, so these names are interface: the retriers in
``infra/state_machines/retriers.py`` repeat them, and a test holds the two together.
"""

from enum import StrEnum


class FlowError(Exception):
    """The root of this package's errors."""


class RetryableError(FlowError):
    """The same call may succeed later."""


class OpenAIUnavailableError(RetryableError):
    """OpenAI could not answer now, or answered with something else than what was asked."""


class AwsUnavailableError(RetryableError):
    """An AWS service could not answer now."""


class PineconeUnavailableError(RetryableError):
    """Pinecone could not answer now."""


class LeaseHeldError(RetryableError):
    """Another worker has the same work in hand."""


class LeaseLostError(RetryableError):
    """Another worker took the work over after this one's lease ran out."""


class CountsDisagreeError(RetryableError):
    """A batch's outcomes are not as many as its targets: it is applied again by the next run."""


class FinalError(FlowError):
    """The same call will fail again until somebody changes something."""


class InvalidMessageError(FinalError):
    """A message, a state-machine input or an environment that breaks its model."""


class OpenAIRejectedError(FinalError):
    """OpenAI refused the request."""


class OpenAINotFoundError(OpenAIRejectedError):
    """What the request names is not at OpenAI."""


class AwsRejectedError(FinalError):
    """An AWS service refused the request."""


class PineconeRejectedError(FinalError):
    """Pinecone refused the request."""


class InvalidItemError(FinalError):
    """A table item that is not what its key says; the message has the key."""


class UnusableAnswerError(FinalError):
    """A model's answer that is empty or breaks its model."""


class DownloadFailure(StrEnum):
    """Why a document could not be had from its URL."""

    REFUSED_URL = "refused-url"
    REFUSED_ADDRESS = "refused-address"
    UNRESOLVED_NAME = "unresolved-name"
    NO_CONNECTION = "no-connection"
    TIMEOUT = "timeout"
    HTTP_STATUS = "http-status"
    BAD_RESPONSE = "bad-response"
    REDIRECT_LOOP = "redirect-loop"
    TOO_LARGE = "too-large"
    EMPTY = "empty"
    TOO_LITTLE_TEXT = "too-little-text"
    UNSUPPORTED_TYPE = "unsupported-type"


class DownloadError(FinalError):
    """A document could not be had from its URL; ``failure`` says why in one word."""

    def __init__(self, failure: DownloadFailure, detail: str) -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure


class BatchPending(FlowError):  # noqa: N818 - the name that the state machine retries on
    """The file batch is still under way."""


class BatchFailed(FlowError):  # noqa: N818 - the name that the state machine catches
    """The file batch ended and nothing of it can be searched."""
