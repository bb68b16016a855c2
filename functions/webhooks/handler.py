"""What OpenAI's webhooks call, through a function URL."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.clients import aws
from functions.clients.secrets import Secret
from functions.clients.step_functions import StateMachine
from functions.environment import WebhookEnvironment
from functions.observability import observed
from functions.webhooks.receiving import Receiver
from functions.webhooks.requests import WebRequest


@observed
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """A status and nothing else: who forged a webhook learns no more than that it was refused."""
    status = _receiver().receive(WebRequest.parse(event), now=time.time())
    return {"statusCode": status}


@cache
def _receiver() -> Receiver:
    environment = WebhookEnvironment.load()
    return Receiver(
        secret=Secret(environment.webhook_secret_arn),
        machine=StateMachine(aws.client("stepfunctions"), environment.completion_poll_flow_arn),
    )
