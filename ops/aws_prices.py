"""What AWS takes, in USD, for the parts that a stack is made of: a table with dates.

The prices are those of ``REGION``, above any free tier and below any discount. Lambda's is that of
arm64. What is not measured is named in ``NOT_COUNTED``.
"""

from datetime import date
from decimal import Decimal

from functions.prices import UnitPrice

REGION = "us-east-1"

LAMBDA_REQUEST = UnitPrice(
    usd=Decimal("0.0000002"),
    as_of=date(2026, 3, 8),
    source="https://aws.amazon.com/lambda/pricing/",
)
LAMBDA_GB_SECOND = UnitPrice(
    usd=Decimal("0.0000133334"),
    as_of=date(2026, 3, 8),
    source="https://aws.amazon.com/lambda/pricing/",
)
STATE_TRANSITION = UnitPrice(
    usd=Decimal("0.000025"),
    as_of=date(2026, 3, 14),
    source="https://aws.amazon.com/step-functions/pricing/",
)
SQS_REQUEST = UnitPrice(
    usd=Decimal("0.0000004"),
    as_of=date(2026, 3, 14),
    source="https://aws.amazon.com/sqs/pricing/",
)
DYNAMODB_READ = UnitPrice(
    usd=Decimal("0.000000125"),
    as_of=date(2025, 7, 21),
    source="https://aws.amazon.com/dynamodb/pricing/on-demand/",
)
DYNAMODB_WRITE = UnitPrice(
    usd=Decimal("0.000000625"),
    as_of=date(2025, 7, 21),
    source="https://aws.amazon.com/dynamodb/pricing/on-demand/",
)
LOG_GB = UnitPrice(
    usd=Decimal("0.50"),
    as_of=date(2026, 6, 1),
    source="https://aws.amazon.com/cloudwatch/pricing/",
)
"""Taken in; a gigabyte has 2**30 bytes."""

# No metric says by stack how much of these was used: `make bench` counts it.
SCHEDULED_CALL = UnitPrice(
    usd=Decimal("0.000001"),
    as_of=date(2026, 3, 13),
    source="https://cloudburn.io/blog/amazon-eventbridge-pricing",
)
"""Of EventBridge Scheduler."""
SECRET_READ = UnitPrice(
    usd=Decimal("0.000005"),
    as_of=date(2026, 9, 20),
    source="https://aws.amazon.com/secrets-manager/pricing/",
)
TRACE = UnitPrice(
    usd=Decimal("0.000005"),
    as_of=date(2026, 11, 22),
    source="https://aws.amazon.com/xray/pricing/",
)
"""Recorded by X-Ray."""
OUTGOING_GB = UnitPrice(
    usd=Decimal("0.09"),
    as_of=date(2026, 4, 27),
    source="https://leanopstech.com/blog/aws-data-transfer-pricing-2026/",
)
"""From AWS to the internet."""
METRIC_MONTH = UnitPrice(
    usd=Decimal("0.30"),
    as_of=date(2026, 5, 5),
    source="https://aws.amazon.com/cloudwatch/pricing/",
)
"""A metric of a stack's own, for each hour in which it has a value."""

NOT_COUNTED = (
    "S3, Secrets Manager, what tables and logs take in storage, CloudWatch's metrics, alarms and "
    "dashboards, data transfer, and OpenAI's storage of vector stores"
)
