"""The components of ``infra`` as Pulumi's component host can offer them to other languages.

The host hands a component its arguments as a plain dict, with the numbers as floats, and reads what
comes out of it from the annotations of its class.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

import infra
from provider.inputs import ApiKeyInputs, CompletionFlowInputs, IngestPipelineInputs

NAME = "openai-batch-flows"
_PINECONE = "pinecone_"


class ApiKey(infra.ApiKey):
    """An API key in Secrets Manager, which the functions read at run time."""

    secret_arn: pulumi.Output[str]
    """The secret's ARN: the flows' openaiKeySecretArn and pineconeKeySecretArn."""

    def __init__(
        self, name: str, args: ApiKeyInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, infra.ApiKeyArgs(value=args["value"]), opts)


class IngestPipeline(infra.IngestPipeline):
    """Documents from a download queue into OpenAI's vector stores, and a market analysis of them.

    A message asks for a document. It ends as an indexed document, as a Markdown fallback of one, or
    in a dead-letter queue.
    """

    download_queue_url: pulumi.Output[str]
    """The queue that takes a message for each document."""
    download_queue_arn: pulumi.Output[str]
    """Its ARN, for whoever grants a producer sqs:SendMessage."""
    download_dead_letter_queue_url: pulumi.Output[str]
    """The documents that could not be ingested."""
    market_analysis_queue_url: pulumi.Output[str]
    """The queue of vector stores to be analysed, which the flow itself feeds."""
    market_analysis_dead_letter_queue_url: pulumi.Output[str]
    """The analyses that failed."""
    vector_store_batch_flow_arn: pulumi.Output[str]
    """The state machine that waits for a file batch."""
    vector_store_batch_flow_dead_letter_queue_url: pulumi.Output[str]
    """Its executions that failed, timed out or were aborted."""
    file_sweep_dead_letter_queue_url: pulumi.Output[str]
    """The sweeps of files at OpenAI that failed."""
    ingest_ledger_table_name: pulumi.Output[str]
    """The table that knows what became of each document."""
    analyses_table_name: pulumi.Output[str]
    """The table of the finished analyses."""

    def __init__(
        self, name: str, args: IngestPipelineInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, infra.IngestPipelineArgs(**_arguments(args)), opts)
        self.download_queue_url = self.download.queue.url
        self.download_queue_arn = self.download.queue.arn
        self.download_dead_letter_queue_url = self.download.dead_letters.url
        self.market_analysis_queue_url = self.market_analysis.queue.url
        self.market_analysis_dead_letter_queue_url = self.market_analysis.dead_letters.url
        self.vector_store_batch_flow_arn = self.flow.state_machine.arn
        self.vector_store_batch_flow_dead_letter_queue_url = self.flow.dead_letters.url
        self.file_sweep_dead_letter_queue_url = self.sweep.dead_letters.url
        self.ingest_ledger_table_name = self.ledger_table.name
        self.analyses_table_name = self.analyses_table.name


class CompletionFlow(infra.CompletionFlow):
    """Labels of receipts' words, judged by a model over OpenAI's Batch API.

    Every label that is asked about ends as valid, invalid, in need of a person's review, or waiting
    to be asked again.
    """

    label_table_name: pulumi.Output[str]
    """The table of the labels, where those with the status NONE wait to be asked about."""
    label_table_arn: pulumi.Output[str]
    """Its ARN, for whoever grants something the right to write labels."""
    batch_bucket_name: pulumi.Output[str]
    """The bucket of the batches' targets and raw answers."""
    completion_poll_flow_arn: pulumi.Output[str]
    """The state machine that brings finished batches to their end."""
    submit_function_name: pulumi.Output[str]
    """The function that asks about labels, for whoever will not wait for its schedule."""
    dead_letter_queue_url: pulumi.Output[str]
    """The runs that failed or could not be started."""

    def __init__(
        self, name: str, args: CompletionFlowInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        arguments = _arguments(args)
        pinecone = {
            key.removeprefix(_PINECONE): arguments.pop(key)
            for key in list(arguments)
            if key.startswith(_PINECONE)
        }
        super().__init__(
            name,
            infra.CompletionFlowArgs(
                pinecone=infra.PineconeAccess(**pinecone) if pinecone else None, **arguments
            ),
            opts,
        )
        self.label_table_name = self.label_table.name
        self.label_table_arn = self.label_table.arn
        self.batch_bucket_name = self.bucket.bucket.bucket
        self.completion_poll_flow_arn = self.machine.state_machine.arn
        self.submit_function_name = self.functions["submit"].function.name
        self.dead_letter_queue_url = self.dead_letters.url


COMPONENTS: tuple[type[pulumi.ComponentResource], ...] = (ApiKey, IngestPipeline, CompletionFlow)


def _arguments(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``infra``, which turn floats into integers and refuse what is no number."""
    arguments = dict(inputs)
    for name, value in arguments.items():
        # The host makes {} of a group that holds a secret or an output.
        if value == {}:
            raise ValueError(f"{name} is empty, or holds a secret or an output: give plain values")
    arguments["openai"] = infra.OpenAIAccess(
        key_secret_arn=arguments.pop("openai_key_secret_arn"),
        base_url=arguments.pop("openai_base_url", None),
    )
    return arguments
