"""The document flow, first step: download, upload, file batch, execution."""
