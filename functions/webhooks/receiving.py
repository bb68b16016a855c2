"""From a webhook to an execution of ``CompletionPollFlow``, or to nothing.

Anybody may call the function's URL: until the signature has been found right, what came in is
neither parsed, nor kept, nor repeated in a log line.
"""

import hashlib
import re
from dataclasses import dataclass

from functions.clients.secrets import Secret
from functions.clients.step_functions import StateMachine
from functions.completions.messages import PollRequest
from functions.metrics import Metric
from functions.observability import count, identify, logger
from functions.webhooks.refusals import Refusal, RefusedError
from functions.webhooks.requests import WebRequest, ended_job
from functions.webhooks.signatures import Signature, signing_key

_TAKEN = 200
# A part of what Step Functions takes, and OpenAI's ids are of it.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Takes webhooks that were signed with ``secret``, and starts ``machine`` once for each.

    The secret is read no more than once in five minutes, whatever comes in. That a signature was
    refused is no reason to read it afresh, as it is with a key that OpenAI refused: anybody can
    send a wrong signature. OpenAI delivers again what was refused meanwhile, and can have the
    former secret sign beside the new one for a day.
    """

    secret: Secret
    machine: StateMachine

    def receive(self, request: WebRequest, *, now: float) -> int:
        """The status to answer with; ``now`` is Unix seconds.

        What cannot be done now is raised, for OpenAI to deliver it again: AwsUnavailableError,
        AwsRejectedError.
        """
        try:
            self._take(request, now)
        except RefusedError as error:
            _tell(error.refusal)
            return error.refusal.status
        return _TAKEN

    def _take(self, request: WebRequest, now: float) -> None:
        body, signature = request.posted(), Signature.of(request.headers)
        signature.check_time(now)
        signature.check(body, signing_key(self.secret.read()))
        job = ended_job(body)
        if job is None:
            return
        name = execution_name(signature.webhook_id)
        identify(openai_batch_id=job, execution=name)
        self.machine.start(name, PollRequest(openai_batch_id=job).to_wire())
        count(Metric.WEBHOOKS_ACCEPTED)
        logger().info("a batch job has ended")


def execution_name(webhook_id: str) -> str:
    """What the execution of a webhook is called, so that a repeated one starts no other.

    Its id, or where Step Functions would not take that, a hash of it.
    """
    if _NAME.fullmatch(webhook_id):
        return webhook_id
    digest = hashlib.sha256(webhook_id.encode(errors="surrogatepass")).hexdigest()
    return f"webhook-{digest}"


def _tell(refusal: Refusal) -> None:
    count(Metric.WEBHOOKS_REFUSED)
    if refusal is Refusal.NOT_READY:
        logger().error(
            "there is no signing secret of OpenAI's; "
            "set it: pulumi config set --secret webhookSecret, and pulumi up"
        )
    else:
        logger().warning("a webhook was refused", extra={"reason": refusal})
