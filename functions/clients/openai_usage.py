"""What an answer of OpenAI's used, as far as it says."""

from typing import Any

from functions.costs import TokenUsage
from functions.spending import count_spending

_MOST = 10**12  # no answer has more


def count_usage(model: str, answer: Any) -> None:
    """Count the tokens of an answer, usable or not, for both are paid for; ``model`` as asked.

    Not every server that speaks OpenAI's API says what it used; an answer is no worse for it.
    """
    usage = getattr(answer, "usage", None)
    details = getattr(usage, "input_tokens_details", None)
    found = TokenUsage(
        input_tokens=_number(usage, "input_tokens"),
        output_tokens=_number(usage, "output_tokens"),
        cached_tokens=_number(details, "cached_tokens"),
    )
    if found.input_tokens or found.output_tokens:
        count_spending(model, found, batch=False)


def _number(found: Any, name: str) -> int:
    number = getattr(found, name, None)
    return number if type(number) is int and 0 <= number <= _MOST else 0
