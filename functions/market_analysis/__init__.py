"""The document flow, last step: research on what was ingested."""
