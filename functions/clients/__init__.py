"""The edge of each outside system, one module each."""

from functions.clients import openai_types

# Before any module of this package imports openai.
openai_types.load_when_used()
