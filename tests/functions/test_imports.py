"""What functions import: each import that is not needed is a part of every cold start."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOW = "functions.completions.handlers"


@pytest.mark.parametrize(
    ("handlers", "unwanted"),
    [
        (["functions.webhooks.handler"], ["openai", "pinecone", "bs4", "asyncio"]),
        ([f"{FLOW}.apply", f"{FLOW}.finish"], ["openai", "pinecone", "bs4"]),
        ([f"{FLOW}.project"], ["openai", "bs4"]),
        (["functions.ingest.handler", f"{FLOW}.submit"], ["pinecone", "bs4"]),
    ],
)
def test_functions_start_without_what_they_do_not_use(
    handlers: list[str], unwanted: list[str]
) -> None:
    program = f"import sys, {', '.join(handlers)}\nprint(*({set(unwanted)!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert done.stdout.strip() == ""
