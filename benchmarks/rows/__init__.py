"""A module a row. Each has ``measure() -> Row``, run in a process of its own."""

NAMES = (
    "ingest",
    "openai_calls",
    "queue",
    "collecting",
    "judging_lines",
    "applying",
    "listing",
    "cold_start",
    "bundle",
    "preview",
    "idle_polling",
    "document_cost",
)
"""In the order of the table."""
