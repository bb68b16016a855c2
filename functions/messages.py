"""What travels between the parts: one model for both ends of each queue and state machine.

Field names are camelCase on the wire. Unknown fields are ignored; a wrong type or a missing field
is refused with the field's path.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from functions.errors import InvalidMessageError
from functions.excerpts import excerpt

SubjectType = Literal["customer", "competitor"]


def _http(url: str) -> str:
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return url


Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
# Pydantic looks only at the characters of a text with constraints: half a character is refused.
WholeText = Annotated[str, StringConstraints(min_length=0)]
# OpenAI's own ids are of letters, digits, ``-`` and ``_``. They go into URLs, keys and names.
OpenAIId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:=-]{0,127}$")]
UnixSeconds = Annotated[int, Field(ge=0, le=10**15)]
HttpUrl = Annotated[str, StringConstraints(max_length=2048), AfterValidator(_http)]


class Message(BaseModel):
    """The base of everything that crosses a queue or a state machine."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, strict=True, extra="ignore"
    )

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Validate a decoded JSON value; InvalidMessageError names each wrong field, no value."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise InvalidMessageError(f"{cls.__name__}: {_complaints(error)}") from None

    @classmethod
    def parse_json(cls, text: str) -> Self:
        """Like ``parse``, from JSON text."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise InvalidMessageError(f"{cls.__name__}: {_complaints(error)}") from None

    def to_wire(self) -> dict[str, Any]:
        """The JSON value that ``parse`` reads, with every key there."""
        return self.model_dump(mode="json", by_alias=True)


def _complaints(error: ValidationError) -> str:
    return excerpt(
        "; ".join(
            f"{'.'.join(str(part) for part in detail['loc']) or 'body'}: {detail['msg']}"
            for detail in error.errors(
                include_url=False, include_context=False, include_input=False
            )
        )
    )


class RequestContext(Message):
    """Who asked and about whom: what the analysis needs of a download request."""

    domain: Name
    type: Name
    legal_name: Annotated[
        Name | None,
        Field(validation_alias=AliasChoices("legalName", "legalCompanyName", "legal_name")),
    ] = None
    industries: list[WholeText] = Field(default_factory=list)
    markets: list[WholeText] = Field(default_factory=list)
    customer_domain: Name = ""
    subject_type: SubjectType = "customer"

    @model_validator(mode="before")
    @classmethod
    def _customer_is_the_domain_itself(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value.keys() & {"customerDomain", "customer_domain"}:
            return {**value, "customerDomain": value.get("domain")}
        return value


class DownloadRequest(RequestContext):
    """A message of the ``DownloadQueue``: one document to be put into a vector store."""

    url: HttpUrl
    fallback: Annotated[str, StringConstraints(min_length=1)]
    vector_store: Name
    request_id: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None

    @property
    def context(self) -> RequestContext:
        """The part that travels on with the file batch."""
        return RequestContext.model_construct(
            **{name: getattr(self, name) for name in RequestContext.model_fields}
        )


class FileBatchRef(Message):
    """The input of ``VectorStoreBatchFlow``: one file batch and whom to tell of its end."""

    vector_store_id: OpenAIId
    vector_store_name: Name
    batch_id: OpenAIId
    context: RequestContext
    requested_at: UnixSeconds | None = None
    """When the oldest message of the batch came to its queue."""


class FileCounts(Message):
    """How many files of a batch are in which state."""

    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


class CompletedBatch(FileBatchRef):
    """What ``CheckBatchStatus`` returns: its input, and how the batch ended."""

    status: Literal["completed"] = "completed"
    file_counts: FileCounts


class MarketAnalysisRequest(Message):
    """A message of the ``MarketAnalysisQueue``."""

    legal_name: Name | None = None
    domain: Name
    customer_domain: Name
    subject_type: SubjectType
    industries: list[WholeText]
    markets: list[WholeText]
    vector_store_id: OpenAIId | None = None
    batch_id: OpenAIId | None = None
    requested_at: UnixSeconds | None = None
    """Of the batch, to be measured: it has no part in the research."""
