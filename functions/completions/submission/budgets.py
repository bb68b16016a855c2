"""What a submission may cost, and what it would: estimates, on the safe side, before it sends.

All that it would send is weighed first, so that it stops before anything is sent; each batch is
checked again, as labels may come between. docs/decisions/9-a-budget-stops-all-of-a-submission.md
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from functions.completions.submission.drafts import Draft, Limits, Prompts
from functions.costs import TokenUsage, cost_usd, dollars
from functions.errors import InvalidMessageError
from functions.metrics import Metric
from functions.observability import count
from functions.prices import ModelPrice, model_price


class OverBudgetError(Exception):
    """A batch of so many labels was not sent, as with it the submission would cost too much."""

    def __init__(self, reason: str, *, labels: int) -> None:
        super().__init__(reason)
        self.labels = labels


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The most USD that the batches of one submission may cost together."""

    max_usd: Decimal
    model: str
    price: ModelPrice

    @classmethod
    def of(cls, model: str, max_usd: Decimal) -> Self:
        """InvalidMessageError if the model has no known price: then nothing can be promised."""
        price = model_price(model)
        if price is None:
            raise InvalidMessageError(
                f"no price is known of {model}, so COMPLETION_MAX_COST_USD cannot be kept: give "
                "the stack a completionModel of functions/prices.py, or no completionMaxCostUsd"
            )
        return cls(max_usd=max_usd, model=model, price=price)

    def refusal(self, usd: Decimal, *, whole: bool) -> str:
        """Why something was not sent that would make it ``usd`` in all, or more."""
        about = "about" if whole else "at least"
        return (
            f"it would cost {about} ${dollars(usd)}, by estimate and prices of {self.price.as_of}, "
            f"more than the ${dollars(self.max_usd)} of completionMaxCostUsd"
        )


@dataclass(frozen=True, kw_only=True)
class Weight:
    """What the labels that a submission would send cost, and how many they are."""

    usd: Decimal
    labels: int


@dataclass(frozen=True, kw_only=True)
class Spending:
    """How a submission stands with its budget, in USD, all of it estimated."""

    max_usd: Decimal
    spent_usd: Decimal
    would_cost_usd: Decimal
    """With what was not sent for the budget's sake."""
    at_least: bool
    """Whether there was more than could be weighed in time."""


class Account:
    """A submission's budget, and what its batches have taken of it."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._spent = self._would_cost = Decimal(0)
        self._at_least = False

    def weigh(self, weight: Weight, *, whole: bool) -> None:
        """OverBudgetError if what would be sent in all costs more than it may."""
        self._would_cost, self._at_least = weight.usd, not whole
        if weight.usd > self.budget.max_usd:
            reason = self.budget.refusal(weight.usd, whole=whole)
            raise _stop(f"nothing was sent: {reason}", labels=weight.labels)

    def check(self, draft: Draft) -> None:
        """OverBudgetError if a batch is more than what is left."""
        would_cost = self._spent + draft_usd(self.budget.model, draft)
        if would_cost > self.budget.max_usd:
            # More than was weighed: labels have come since, or there was no time to weigh these.
            self._would_cost, self._at_least = max(self._would_cost, would_cost), True
            reason = self.budget.refusal(self._would_cost, whole=False)
            raise _stop(f"no more was sent: {reason}", labels=draft.target_count)

    def charge(self, draft: Draft) -> None:
        """A batch was sent."""
        self._spent += draft_usd(self.budget.model, draft)
        self._would_cost = max(self._would_cost, self._spent)

    @property
    def spending(self) -> Spending:
        """How it stands now."""
        return Spending(
            max_usd=self.budget.max_usd,
            spent_usd=self._spent,
            would_cost_usd=self._would_cost,
            at_least=self._at_least,
        )


def _stop(reason: str, *, labels: int) -> OverBudgetError:
    count(Metric.BUDGET_STOPS)
    return OverBudgetError(reason, labels=labels)


def draft_usd(model: str, draft: Draft) -> Decimal:
    """What a batch costs, at the most that it is likely to."""
    return batch_usd(model, draft.tokens, draft.answer_tokens)


def batch_usd(model: str, prompt_tokens: int, answer_tokens: int) -> Decimal:
    """What so many tokens cost by the Batch API, none cached. LookupError without a price."""
    usage = TokenUsage(input_tokens=prompt_tokens, output_tokens=answer_tokens)
    usd = cost_usd(model, usage, batch=True)
    if usd is None:
        raise LookupError(f"no price is known of {model}")
    return usd


def weigh(waiting: Prompts, limits: Limits, *, model: str) -> Weight:
    """Take what would be sent now: as much as there are tokens free, of what a batch can hold."""
    prompt_tokens = answer_tokens = labels = 0
    while (prompt := waiting.peek()) is not None:
        if limits.ever(prompt):
            if not limits.has_free(prompt_tokens + prompt.tokens):
                break
            prompt_tokens += prompt.tokens
            answer_tokens += prompt.answer_tokens
            labels += len(prompt.request.targets)
        waiting.take()
    return Weight(usd=batch_usd(model, prompt_tokens, answer_tokens), labels=labels)
