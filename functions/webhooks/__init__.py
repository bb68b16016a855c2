"""OpenAI's webhooks: told of a batch job's end, start ``CompletionPollFlow`` for it."""
