"""From a request to a document at OpenAI: download it, or write its fallback, and upload."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from functions.clients.openai import OpenAIService
from functions.clients.web import Fetched
from functions.errors import DownloadError
from functions.ingest.documents import Document, file_name, to_document
from functions.ingest.grouping import Prepared
from functions.ingest.ledger import Ledger, Upload, request_key
from functions.ingest.markdown_fallback import write_fallback
from functions.messages import DownloadRequest
from functions.metrics import Metric
from functions.observability import count, logger

Downloader = Callable[[str], Fetched]


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What it takes to bring a request's document to OpenAI."""

    ledger: Ledger
    openai: OpenAIService
    download: Downloader
    min_characters: int
    fallback_model: str
    stack_mark: str
    clock: Callable[[], float]

    def prepare(self, request: DownloadRequest) -> Prepared | None:
        """The request with its document uploaded; None if it was handed over before.

        An upload that an earlier worker recorded is not repeated. A request that fails here is
        given up, so that its next delivery can take it at once, and the error goes on.
        """
        key = request_key(request)
        try:
            claim = self.ledger.claim(key, request)
            if claim is not None and claim.upload is None:
                claim = self.ledger.record_upload(claim, self._upload(request, key))
        except Exception as error:
            # It may be in hand though claiming it failed, if only the answer was lost.
            self.ledger.release(key, str(error))
            raise
        return None if claim is None else Prepared(request=request, claim=claim)

    def _upload(self, request: DownloadRequest, key: str) -> Upload:
        document, source, reason = self._document(request)
        # The mark tells a sweep which files at OpenAI are this stack's, and of which request.
        name = file_name(request.url, document.extension, stack_mark=self.stack_mark, key=key)
        file_id = self.openai.upload_file(name, document.body, document.media_type)
        count(Metric.FILES_UPLOADED)
        logger().info("document uploaded", extra={"file_id": file_id, "source": source})
        return Upload(
            file_id=file_id,
            file_name=name,
            sha256=hashlib.sha256(document.body).hexdigest(),
            source=source,
            reason=reason,
            ingested_at=datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="seconds"),
        )

    def _document(self, request: DownloadRequest) -> tuple[Document, str, str]:
        try:
            fetched = self.download(request.url)
            document = to_document(fetched, min_characters=self.min_characters)
        except DownloadError as error:
            reason = str(error)
            logger().warning("download failed", extra={"url": request.url, "reason": reason})
            count(Metric.DOWNLOADS_FAILED)
        else:
            return document, "download", ""
        text = write_fallback(request, model=self.fallback_model, openai=self.openai)
        markdown = Document(body=text.encode(), extension=".md", media_type="text/markdown")
        return markdown, "fallback", reason
