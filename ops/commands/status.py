"""``status``: what is in flight, stuck and failed."""

import argparse
import shlex

from ops.letters.looking import groups_of, looking
from ops.letters.queues import DeadLetterQueue
from ops.letters.showing import show_groups
from ops.limits import add_limit
from ops.screen import Screen
from ops.stack import Stack
from ops.status.documents import document_problems, look_at_documents
from ops.status.labels import label_problems, look_at_labels
from ops.status.problems import Problem
from ops.status.report import LettersPart, Report, letter_problems
from ops.status.showing import show

NAME = "status"
HELP = "Show what is in flight, stuck or failed, with ages and reasons"

# Longer than a look takes; they are let go at its end.
_HOLD_SECONDS = 120


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's own arguments."""
    add_limit(parser)


def run(options: argparse.Namespace, stack: Stack, screen: Screen) -> int:
    """Look at everything; 0 if nothing is stuck and nothing failed."""
    documents = look_at_documents(stack, most=options.limit)
    labels = look_at_labels(stack, most=options.limit)
    queues = list(DeadLetterQueue)
    with looking(stack, queues, most=options.limit, hold_seconds=_HOLD_SECONDS) as looks:
        groups = [group for group, _ in groups_of(looks).values()]
    letters = [LettersPart.of(look, groups) for look in looks]
    problems = [
        *letter_problems(letters),
        *document_problems(documents, stack),
        *label_problems(labels, stack),
    ]
    report = Report(
        well=not problems,
        problems=[_of_stack(problem, options, stack) for problem in problems],
        documents=documents,
        labels=labels,
        dead_letters=letters,
    )
    show(screen, report)
    show_groups(screen, groups, looks)
    screen.document(report.to_json())
    return 0 if report.well else 1


def _of_stack(problem: Problem, options: argparse.Namespace, stack: Stack) -> Problem:
    """The problem, with a line to type that means this very stack."""
    command = problem.next
    if command.startswith("python -m ops"):
        for name in ("stack", "outputs"):
            if value := getattr(options, name):
                command += f" --{name} {shlex.quote(str(value))}"
    elif stack.outputs.aws_endpoint_url:
        command = command.replace(
            "aws ", f"aws --endpoint-url {stack.outputs.aws_endpoint_url} ", 1
        )
    return problem.model_copy(update={"next": command})
