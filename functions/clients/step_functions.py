"""The edge of Step Functions: start an execution once for each name."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from functions.canonical import canonical_json
from functions.clients import aws, calls

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StateMachine:
    """A state machine whose execution names are taken once, for 90 days after they end.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """

    def __init__(self, client: "SFNClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def start(self, name: str, execution_input: Mapping[str, Any]) -> bool:
        """Start the execution; False if one of that name was started before.

        Errors: AwsUnavailableError, AwsRejectedError.
        """
        with aws.translated():
            try:
                calls.call(
                    "stepfunctions.start_execution",
                    lambda: self._client.start_execution(
                        stateMachineArn=self._arn, name=name, input=canonical_json(execution_input)
                    ),
                )
            except ClientError as error:
                if aws.error_code(error) != "ExecutionAlreadyExists":
                    raise
                return False
        return True
