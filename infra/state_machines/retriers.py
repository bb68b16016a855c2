"""What every state machine tries again."""

from collections.abc import Sequence
from typing import Any

# What is nobody's fault: OpenAI's, Pinecone's and AWS's own trouble, as functions/errors.py and
# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
# name it.
TRANSIENT_ERRORS = (
    "OpenAIUnavailableError",
    "AwsUnavailableError",
    "PineconeUnavailableError",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",  # a process that ended: out of memory, or killed with its machine
    "Sandbox.Timedout",
    "States.Timeout",
)


def transient_retrier(errors: Sequence[str] = TRANSIENT_ERRORS) -> dict[str, Any]:
    """Ten more tries over at most six minutes, each after a wait of random length."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": 2,
        "MaxAttempts": 10,
        "BackoffRate": 2,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    }
