"""Webhooks to a run with marked secrets: good ones, forged ones, and before there is a secret."""

import itertools
import json
from collections.abc import Callable

from local.standins.openai.webhooks import post, signed
from tests.local.written_places import Run

_BODY = json.dumps({"type": "batch.failed", "data": {"id": "batch_of_another_stack"}}).encode()


def be_told(run: Run, *, old: str, new: str, none: str, replace: Callable[[str], None]) -> None:
    """The secret ``old`` is replaced by ``none``, which is no signing secret, and then by ``new``.

    A process keeps what it has read, so each has a process of its own.
    """
    megabytes = itertools.count(1025)

    def answer(secret: str) -> int | None:
        return post(run.stack.aws.outputs["webhookUrl"], _BODY, signed(_BODY, secret))

    def put(secret: str) -> None:
        replace(secret)
        run.client("lambda").update_function_configuration(
            FunctionName=_function(run), MemorySize=next(megabytes)
        )

    assert (answer(old), answer(new)) == (200, 401)
    put(none)
    assert answer(new) == 503
    put(new)
    assert (answer(new), answer(old)) == (200, 401)


def _function(run: Run) -> str:
    [url] = run.stack.aws.deployment.of_type("aws:lambda/functionUrl:FunctionUrl")
    return str(url.inputs["functionName"])
