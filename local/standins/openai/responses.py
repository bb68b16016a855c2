"""Responses: https://platform.openai.com/docs/api-reference/responses."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from openai.types.responses import (
    FileSearchTool,
    Response,
    ResponseFileSearchToolCall,
    ResponseIncludable,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseTextConfig,
    ResponseUsage,
)
from openai.types.responses.response import IncompleteDetails
from openai.types.responses.response_create_params import ResponseCreateParamsBase
from openai.types.responses.response_file_search_tool_call import Result
from openai.types.responses.response_output_text import AnnotationFileCitation
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails
from pydantic import ValidationError

from local.standins.openai import checks
from local.standins.openai.answers import Answer, AnswerPlan, Answers, compose
from local.standins.openai.errors import invalid, not_found
from local.standins.openai.labels import Truth
from local.standins.openai.records import new_id
from local.standins.openai.requests import ApiRequest
from local.standins.openai.retrieval import Hit, search
from local.standins.openai.routes import Reply, Route
from local.standins.openai.state import State
from local.standins.openai.strict import refuse_loose
from local.standins.openai.tokens import prompt_tokens, tokens

USUAL_RESULTS = 20
MAX_RESULTS = 50
_QUERY_CHARACTERS = 400
_RESULTS = "file_search_call.results"
_NOT_HERE = ("background", "conversation", "previous_response_id", "prompt", "stream")


class Responses:
    """Answering prompts, after a file search where the request has that tool."""

    def __init__(self, state: State, answers: Answers) -> None:
        self._state = state
        self._answers = answers
        self.truth: Truth | None = None

    def routes(self) -> Sequence[Route]:
        """Its operations."""
        return (Route("responses.create", "POST", "/responses", self.create),)

    def create(self, request: ApiRequest) -> Reply:
        """Answer one request."""
        return self.respond(request.body)

    def respond(self, body: Mapping[str, Any], plan: AnswerPlan | None = None) -> Response:
        """The response to a request's body; ApiError if it breaks the API's rules.

        It is made as ``plan`` says, or else the plan in force for such a body. The caller need not
        hold the state's lock.
        """
        try:
            return self._respond(body, plan)
        except ValidationError as error:
            # The SDK's types are the last to look at what was sent and is echoed.
            first = error.errors()[0]
            param = ".".join(str(step) for step in first["loc"])
            raise invalid(f"Invalid '{param}': {first['msg']}.", param, "invalid_type") from error

    def _respond(self, body: Mapping[str, Any], plan: AnswerPlan | None) -> Response:
        _check(body)
        prompt, tools = _prompt(body["input"]), _tools(body)
        query = " ".join(prompt.split())[:_QUERY_CHARACTERS]
        hits: list[Hit] = []
        output: list[ResponseFileSearchToolCall | ResponseOutputMessage] = []
        for tool in tools if body.get("tool_choice") != "none" else ():
            found = self._search(tool, query)
            hits.extend(found)
            output.append(_search_call(query, found, shown=_RESULTS in (body.get("include") or ())))
        answer = compose(plan or self._answers.choose(body), body, prompt, hits, self.truth)
        output.append(_message(answer))
        return Response(
            id=new_id("resp_"),
            object="response",
            created_at=float(self._state.now()),
            status="incomplete" if answer.incomplete else "completed",
            error=None,
            incomplete_details=(
                IncompleteDetails(reason="max_output_tokens") if answer.incomplete else None
            ),
            instructions=body.get("instructions"),
            max_output_tokens=body.get("max_output_tokens"),
            metadata=checks.metadata(body.get("metadata")),
            model=body["model"],
            output=list(output),
            parallel_tool_calls=True,
            temperature=body.get("temperature", 1.0),
            text=ResponseTextConfig.model_validate(
                body.get("text") or {"format": {"type": "text"}}
            ),
            tool_choice=body.get("tool_choice", "auto"),
            tools=list(tools),
            top_p=body.get("top_p", 1.0),
            usage=_usage(body, hits, answer),
        )

    def _search(self, tool: FileSearchTool, query: str) -> Sequence[Hit]:
        with self._state.lock:
            for store_id in tool.vector_store_ids:
                checks.prefixed(store_id, "vs_", "tools[0].vector_store_ids")
                if store_id not in self._state.stores:
                    raise not_found(f"Vector store with id ['{store_id}'] not found.", "tools")
            stores = [self._state.live_store(store_id) for store_id in tool.vector_store_ids]
            return search(
                [attachment for store in stores for attachment in store.attachments.values()],
                query,
                limit=tool.max_num_results or USUAL_RESULTS,
                filters=tool.filters,
                ranking=tool.ranking_options,
            )


def _check(body: Mapping[str, Any]) -> None:
    checks.known_only(body, {*ResponseCreateParamsBase.__annotations__, "stream"})
    for name in ("model", "input"):
        if name not in body:
            raise checks.missing(name)
    checks.text(body["model"], "model")
    for name in _NOT_HERE:
        if body.get(name):
            raise invalid(f"This stand-in does not do '{name}'.", name)
    checks.one_of(body.get("tool_choice", "auto"), ("auto", "none", "required"), "tool_choice")
    for name in checks.array(body.get("include") or [], "include", longest=100, shortest=0):
        checks.one_of(name, get_args(ResponseIncludable), "include")
    if body.get("max_output_tokens") is not None:
        checks.integer(body["max_output_tokens"], "max_output_tokens", 16, 1_000_000)
    wanted = checks.mapping(body.get("text"), "text").get("format")
    _check_format(checks.mapping(wanted, "text.format") or {"type": "text"})


def _check_format(wanted: Mapping[str, Any]) -> None:
    checks.one_of(wanted.get("type"), ("text", "json_schema"), "text.format.type")
    if wanted["type"] == "json_schema":
        for name in ("name", "schema"):
            if name not in wanted:
                raise checks.missing(f"text.format.{name}")
        if wanted.get("strict"):
            refuse_loose(wanted["schema"])


def _tools(body: Mapping[str, Any]) -> list[FileSearchTool]:
    tools = []
    wanted = checks.array(body.get("tools") or [], "tools", longest=128, shortest=0)
    for index, item in enumerate(wanted):
        param = f"tools[{index}]"
        tool = checks.mapping(item, param)
        checks.one_of(tool.get("type"), ("file_search",), f"{param}.type")
        if "vector_store_ids" not in tool:
            raise checks.missing(f"{param}.vector_store_ids")
        checks.array(tool["vector_store_ids"], f"{param}.vector_store_ids", longest=100)
        if tool.get("max_num_results") is not None:
            checks.integer(tool["max_num_results"], f"{param}.max_num_results", 1, MAX_RESULTS)
        tools.append(FileSearchTool.model_validate(tool))
    return tools


def _prompt(value: Any) -> str:
    """What the user said: a string, or the text of the user's messages."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise checks.wrong_type("input", "a string or an array", value)
    said: list[str] = []
    for item in value:
        if isinstance(item, dict) and item.get("role", "user") == "user":
            content = item.get("content")
            parts = content if isinstance(content, list) else [{"text": content or ""}]
            said += [part.get("text", "") for part in parts]
    return "\n\n".join(said)


def _search_call(query: str, hits: Sequence[Hit], *, shown: bool) -> ResponseFileSearchToolCall:
    results = [
        Result(
            file_id=hit.file.id,
            filename=hit.file.filename,
            score=hit.score,
            text=hit.text,
            attributes=hit.attributes,
        )
        for hit in hits
    ]
    return ResponseFileSearchToolCall(
        id=new_id("fs_"),
        type="file_search_call",
        status="completed",
        queries=[query],
        results=results if shown else None,
    )


def _message(answer: Answer) -> ResponseOutputMessage:
    content: ResponseOutputRefusal | ResponseOutputText
    if answer.refused:
        content = ResponseOutputRefusal(type="refusal", refusal=answer.text)
    else:
        annotations = [
            AnnotationFileCitation(
                type="file_citation", file_id=hit.file.id, filename=hit.file.filename, index=index
            )
            for index, hit in answer.citations
        ]
        content = ResponseOutputText(
            type="output_text", text=answer.text, annotations=list(annotations)
        )
    return ResponseOutputMessage(
        id=new_id("msg_"),
        type="message",
        role="assistant",
        status="incomplete" if answer.incomplete else "completed",
        content=[content],
    )


def _usage(body: Mapping[str, Any], hits: Sequence[Hit], answer: Answer) -> ResponseUsage:
    input_tokens = prompt_tokens(body) + tokens(sum(len(hit.text) for hit in hits))
    output_tokens = tokens(len(answer.text))
    return ResponseUsage(
        input_tokens=input_tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=0, cache_write_tokens=0),
        output_tokens=output_tokens,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=0),
        total_tokens=input_tokens + output_tokens,
    )
