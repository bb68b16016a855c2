"""Putting documents where file search finds them."""

from collections.abc import Mapping

from functions.clients.openai import BatchFile, OpenAIService

URL = "https://news.example/{name}"


def store_with(service: OpenAIService, documents: Mapping[str, str]) -> str:
    """A vector store with these documents, by file name, indexed; its id."""
    store = service.create_vector_store("news/example.com", expires_after_days=None)
    files = [
        BatchFile(
            file_id=service.upload_file(name, text.encode(), "text/markdown"),
            attributes={"url": URL.format(name=name)},
        )
        for name, text in documents.items()
    ]
    batch = service.create_file_batch(store, files)
    while service.file_batch(store, batch).status == "in_progress":
        pass
    return store
