"""The sweep of documents at OpenAI that belong to nothing."""
