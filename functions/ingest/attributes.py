"""What is attached to each file of a vector store, within OpenAI's limits."""

from functions.ingest.ledger import Upload
from functions.messages import DownloadRequest

# https://developers.openai.com/api/reference/resources/vector_stores (attributes)
_MAX_TEXT = 512


def file_attributes(request: DownloadRequest, key: str, upload: Upload) -> dict[str, str]:
    """Where a file came from. What is cut here is whole in the ledger, under ``ledgerKey``."""
    attributes = {
        "url": request.url,
        "domain": request.domain,
        "customerDomain": request.customer_domain,
        "type": request.type,
        "source": upload.source,
        "ingestedAt": upload.ingested_at,
        "ledgerKey": key,
    }
    if upload.reason:
        attributes["reason"] = upload.reason
    return {name: value[:_MAX_TEXT] for name, value in attributes.items()}
