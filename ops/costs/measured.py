"""What AWS takes for what CloudWatch has measured: Lambda, Step Functions, SQS, DynamoDB, logs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from functions.prices import UnitPrice
from ops import aws_prices
from ops.costs.cloudwatch import Measure, Sums
from ops.costs.lines import Basis, Line, priced, unknown
from ops.costs.resources import MachinePart, Resources, TablePart

# Each is a request; those that carry several messages make the figure too high.
_QUEUE_METRICS = (
    "NumberOfMessagesSent",
    "NumberOfMessagesReceived",
    "NumberOfMessagesDeleted",
    "NumberOfEmptyReceives",
)
_INVOKE = "arn:aws:states:::lambda:invoke"
_NOTHING = "CloudWatch has no metric of it for these days"
_GIGABYTE = Decimal(2**30)


def measures(resources: Resources) -> Iterator[Measure]:
    """Everything that ``aws_lines`` wants to know."""
    for function in resources.functions:
        for name in ("Invocations", "Duration"):
            yield _of_function(name, function.name)
    for machine in resources.machines:
        yield _started(machine)
    for queue in resources.queues:
        for name in _QUEUE_METRICS:
            yield Measure("AWS/SQS", name, (("QueueName", queue),))
    for table in resources.tables:
        for name in ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"):
            yield from _of_table(name, table)
    for group in resources.log_groups:
        yield Measure("AWS/Logs", "IncomingBytes", (("LogGroupName", group),))


def aws_lines(resources: Resources, sums: Sums) -> list[Line]:
    """A line for each thing that AWS takes money for and CloudWatch measures."""
    queues = [
        Measure("AWS/SQS", name, (("QueueName", queue),))
        for queue in resources.queues
        for name in _QUEUE_METRICS
    ]
    logs = [
        Measure("AWS/Logs", "IncomingBytes", (("LogGroupName", group),))
        for group in resources.log_groups
    ]
    gigabytes = (_sum(logs, sums), _GIGABYTE)
    return [
        *_lambda_lines(resources, sums),
        _transitions(resources, sums),
        _line("SQS", _sum(queues, sums), "requests", aws_prices.SQS_REQUEST, Basis.ESTIMATE),
        *(
            _line(
                f"DynamoDB, {what}",
                _sum([each for table in resources.tables for each in _of_table(name, table)], sums),
                "units",
                price,
            )
            for what, name, price in (
                ("reads", "ConsumedReadCapacityUnits", aws_prices.DYNAMODB_READ),
                ("writes", "ConsumedWriteCapacityUnits", aws_prices.DYNAMODB_WRITE),
            )
        ),
        _line(
            "CloudWatch, logs",
            None if gigabytes[0] is None else gigabytes[0] / gigabytes[1],
            "GB",
            aws_prices.LOG_GB,
        ),
    ]


def _lambda_lines(resources: Resources, sums: Sums) -> Iterator[Line]:
    invocations = [_of_function("Invocations", function.name) for function in resources.functions]
    yield _line("Lambda, requests", _sum(invocations, sums), "requests", aws_prices.LAMBDA_REQUEST)
    used = [
        sums[duration] / 1000 * function.megabytes / 1024
        for function in resources.functions
        if (duration := _of_function("Duration", function.name)) in sums
    ]
    seconds = sum(used, Decimal(0)) if used else None
    yield _line("Lambda, time", seconds, "GB-seconds", aws_prices.LAMBDA_GB_SECOND)


def _transitions(resources: Resources, sums: Sums) -> Line:
    """Step Functions' transitions, which nobody measures by machine.

    Each call of a function by a machine is one, retries included; each execution goes through its
    other states once at the most, but for those in a Map, and through its start.
    """
    what = "Step Functions"
    if not any(_started(machine) in sums for machine in resources.machines):
        return unknown(what, _NOTHING)
    number = Decimal(0)
    for machine in resources.machines:
        number += sums.get(_started(machine), Decimal(0)) * (1 + _other_states(machine))
        for function in resources.functions:
            if f'"{function.arn}"' in machine.definition:
                number += sums.get(_of_function("Invocations", function.name), Decimal(0))
    line = priced(what, number, "transitions", aws_prices.STATE_TRANSITION, basis=Basis.ESTIMATE)
    return line.model_copy(update={"note": "as if each execution went once through each state"})


def _other_states(machine: MachinePart) -> int:
    """How many states of a machine call no function."""

    def count(flow: Mapping[str, Any]) -> int:
        return sum(
            (state.get("Resource") != _INVOKE)
            + sum(
                count(inner)
                for inner in (state.get("Iterator"), state.get("ItemProcessor"))
                if inner
            )
            for state in flow["States"].values()
        )

    return count(json.loads(machine.definition))


def _line(
    what: str,
    number: Decimal | None,
    unit: str,
    price: UnitPrice,
    basis: Basis = Basis.MEASURED,
) -> Line:
    if number is None:
        return unknown(what, _NOTHING)
    return priced(what, number, unit, price, basis=basis)


def _sum(measures: Iterable[Measure], sums: Sums) -> Decimal | None:
    """None if nothing of all was measured; what was not used has no metric while others have."""
    found = [sums[measure] for measure in measures if measure in sums]
    return sum(found, Decimal(0)) if found else None


def _of_function(name: str, function: str) -> Measure:
    return Measure("AWS/Lambda", name, (("FunctionName", function),))


def _started(machine: MachinePart) -> Measure:
    return Measure("AWS/States", "ExecutionsStarted", (("StateMachineArn", machine.arn),))


def _of_table(name: str, table: TablePart) -> Iterator[Measure]:
    """A table's own, and its indexes', which are counted apart."""
    yield Measure("AWS/DynamoDB", name, (("TableName", table.name),))
    for index in table.indexes:
        dimensions = (("GlobalSecondaryIndexName", index), ("TableName", table.name))
        yield Measure("AWS/DynamoDB", name, dimensions)
