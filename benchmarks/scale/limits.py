"""The documented limits that the flows can meet, each with its source; read in November 2026.

Those of Step Functions are of the smaller regions, eu-central-1 among them, where the stack
``prod`` is.
"""

from dataclasses import dataclass

READ = "November 2026"
MINUTE, HOUR, DAY = 60, 3_600, 86_400

_FILES = "https://developers.openai.com/api/reference/resources/files"
_STORES = "https://developers.openai.com/api/reference/resources/vector_stores"
_BATCH = "https://developers.openai.com/api/docs/guides/batch"
_STEPS = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/"
_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"
_DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
_PINECONE = "https://docs.pinecone.io/reference/api/database-limits"
_SECRETS = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """So many of something, ``seconds`` long or, with 0, at once."""

    who: str
    what: str
    number: int
    seconds: int = 0
    burst: int | None = None
    """The most that may be saved up; what one period has, if it is not said."""
    moved_by: str
    source: str

    @property
    def per_second(self) -> float:
        """The steady rate; ValueError for what has none."""
        if not self.seconds:
            raise ValueError(f"{self.what} is no rate")
        return self.number / self.seconds


_ASK_OPENAI = "a request to OpenAI"
_ASK_AWS = "Service Quotas"
_ASK_PINECONE = "a request to Pinecone"
_NOBODY = "nothing: it is fixed"

UPLOADS = Limit(
    who="OpenAI",
    what="uploads of a user",
    number=1_000,
    seconds=MINUTE,
    moved_by=_ASK_OPENAI,
    source=_FILES,
)
ATTACHED_FILES = Limit(
    who="OpenAI",
    what="files of an organization put into vector stores",
    number=2_000,
    seconds=MINUTE,
    moved_by=_ASK_OPENAI,
    source=_FILES,
)
FILE_BATCHES = Limit(
    who="OpenAI",
    what="file batches made in one vector store",
    number=300,
    seconds=MINUTE,
    moved_by="more vector stores; a larger `ingestBatchSize`",
    source=_STORES,
)
JOBS_CREATED = Limit(
    who="OpenAI",
    what="Batch API jobs made",
    number=2_000,
    seconds=HOUR,
    moved_by=_ASK_OPENAI,
    source=_BATCH,
)
REQUESTS_A_JOB = Limit(
    who="OpenAI",
    what="requests in a job, of 200 MB in all",
    number=50_000,
    moved_by=_NOBODY,
    source=_BATCH,
)
EXECUTIONS_STARTED = Limit(
    who="Step Functions",
    what="executions started",
    number=150,
    seconds=1,
    burst=800,
    moved_by=_ASK_AWS,
    source=_STEPS,
)
STATE_TRANSITIONS = Limit(
    who="Step Functions",
    what="state transitions (each retry is one)",
    number=800,
    seconds=1,
    burst=800,
    moved_by=_ASK_AWS,
    source=_STEPS,
)
OPEN_EXECUTIONS = Limit(
    who="Step Functions",
    what="open executions",
    number=1_000_000,
    moved_by=_ASK_AWS,
    source=_STEPS,
)
OPEN_MAP_RUNS = Limit(
    who="Step Functions",
    what="open Map Runs of Distributed Maps",
    number=1_000,
    moved_by=_NOBODY,
    source=_STEPS,
)
CONCURRENCY = Limit(
    who="Lambda",
    what="invocations of an account",
    number=1_000,
    moved_by=_ASK_AWS,
    source=f"{_LAMBDA}gettingstarted-limits.html",
)
NEW_ENVIRONMENTS = Limit(
    who="Lambda",
    what="new execution environments of a function",
    number=1_000,
    seconds=10,
    moved_by=_NOBODY,
    source=f"{_LAMBDA}scaling-behavior.html",
)
IN_FLIGHT = Limit(
    who="SQS",
    what="messages of a queue in flight",
    number=120_000,
    moved_by=_ASK_AWS,
    source=_SQS,
)
PARTITION_WRITES = Limit(
    who="DynamoDB",
    what="write units of one partition of a table or index",
    number=1_000,
    seconds=1,
    moved_by=_NOBODY,
    source=f"{_DYNAMODB}bp-partition-key-design.html",
)
NEW_TABLE_WRITES = Limit(
    who="DynamoDB",
    what="write units of a new table",
    number=4_000,
    seconds=1,
    moved_by="warm throughput",
    source=f"{_DYNAMODB}on-demand-capacity-mode.html",
)
TABLE_WRITES = Limit(
    who="DynamoDB",
    what="write units of a table",
    number=40_000,
    seconds=1,
    moved_by=_ASK_AWS,
    source=f"{_DYNAMODB}ServiceQuotas.html",
)
WORD_UPDATES = Limit(
    who="Pinecone",
    what="records of a namespace updated",
    number=100,
    seconds=1,
    moved_by=f"{_ASK_PINECONE}, then `pineconeUpdatesPerSecond`",
    source=_PINECONE,
)
FETCHES = Limit(
    who="Pinecone",
    what="fetches from an index (of a hundred words each)",
    number=100,
    seconds=1,
    moved_by=_ASK_PINECONE,
    source=_PINECONE,
)
SECRETS_READ = Limit(
    who="Secrets Manager",
    what="reads of secrets (which are kept for five minutes)",
    number=10_000,
    seconds=1,
    moved_by=_NOBODY,
    source=_SECRETS,
)

ALL = (
    UPLOADS,
    ATTACHED_FILES,
    FILE_BATCHES,
    JOBS_CREATED,
    REQUESTS_A_JOB,
    EXECUTIONS_STARTED,
    STATE_TRANSITIONS,
    OPEN_EXECUTIONS,
    OPEN_MAP_RUNS,
    CONCURRENCY,
    NEW_ENVIRONMENTS,
    IN_FLIGHT,
    PARTITION_WRITES,
    NEW_TABLE_WRITES,
    TABLE_WRITES,
    WORD_UPDATES,
    FETCHES,
    SECRETS_READ,
)
