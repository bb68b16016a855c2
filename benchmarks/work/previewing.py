"""``python -m benchmarks.work.previewing``: a preview of the whole program, and what it would make.

Nobody knows yet what AWS will make of a resource: all that comes back of it is what it was given.
"""

import sys
from pathlib import Path
from typing import Any

import pulumi

from local.program import run_program

_PROGRAM = Path(__file__).parents[2]
_STACK = "prod"
# All that its file lacks: what is only there with a key takes its time as well.
_CONFIG = {"pineconeIndexHost": "words.example.com"}
_SECRETS = {
    "openaiApiKey": "sk-any",
    "pineconeApiKey": "pc-any",
    "webhookSecret": "whsec_dGVzdC10ZXN0LXRlc3QtdGVzdA==",
}


class _Engine(pulumi.runtime.Mocks):
    """Notes what is registered. At an update, each resource has what others read of it."""

    def __init__(self, *, preview: bool) -> None:
        self.names: list[str] = []
        self._preview = preview

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.names.append(f"{args.typ} {args.name}")
        if self._preview:
            return "", args.inputs
        arn = f"arn:aws:any:any-region-1:000000000000:{args.name}"
        made = dict.fromkeys(("name", "bucket", "url", "functionUrl", "secretArn"), args.name)
        return args.name, {**made, "arn": arn, **args.inputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        raise RuntimeError(f"the program asks AWS at preview: {args.token}")


def registered(*, preview: bool) -> list[str]:
    """The type and the name of each resource, in alphabetical order."""
    engine = _Engine(preview=preview)
    run_program(
        engine,
        program=_PROGRAM,
        stack=_STACK,
        config=_CONFIG,
        secrets=_SECRETS,
        preview=preview,
    )
    return sorted(engine.names)


if __name__ == "__main__":
    sys.stdout.write("\n".join(registered(preview=True)))
