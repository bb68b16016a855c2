"""What a model writes and answers, after a search of a store where there is one."""

import pytest
from pydantic import BaseModel

from functions.clients.openai import Hit, OpenAIService
from functions.errors import (
    OpenAIRejectedError,
    OpenAIUnavailableError,
    UnusableAnswerError,
)
from local.standins.openai import AnswerPlan, Fault, OpenAIStandIn
from tests.functions.contents import URL, store_with


class Verdict(BaseModel):
    """An answer."""

    opinion: str
    reasons: list[str]


def write(service: OpenAIService) -> str:
    return service.write(model="gpt-test", instructions="Write.", material="A fact.")


def research(service: OpenAIService, store: str | None = None) -> tuple[Verdict, list[Hit]]:
    return service.research(
        Verdict,
        model="gpt-test",
        instructions="Judge.",
        material="Solar panels.",
        vector_store_id=store,
    )


def test_what_is_written_comes_as_the_model_says_it(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    standin.answers.add(AnswerPlan(text="# R&D <b>today</b>\n"))

    assert write(openai_service) == "# R&D <b>today</b>\n"
    [call] = standin.calls
    sent = {name: call.body[name] for name in ("model", "instructions", "input")}
    assert sent == {"model": "gpt-test", "instructions": "Write.", "input": "A fact."}


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (AnswerPlan(shape="refusal"), "gpt-test refused: I'm sorry"),
        (AnswerPlan(shape="incomplete"), "gpt-test ended incomplete: max_output_tokens"),
        (AnswerPlan(shape="empty"), "gpt-test said nothing"),
        (AnswerPlan(text=" \n"), "gpt-test said nothing"),
    ],
    ids=["refusal", "cut off", "empty", "blank"],
)
def test_text_that_is_not_all_there_is_no_text(
    standin: OpenAIStandIn, openai_service: OpenAIService, plan: AnswerPlan, why: str
) -> None:
    standin.answers.add(plan)

    with pytest.raises(UnusableAnswerError, match=why):
        write(openai_service)


def test_research_without_a_store_searches_nothing(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    standin.answers.add(AnswerPlan(text='{"opinion": "good", "reasons": ["cheap"]}'))

    verdict, hits = research(openai_service)

    assert verdict == Verdict(opinion="good", reasons=["cheap"])
    assert hits == []
    [call] = standin.calls
    assert not {"tools", "include"} & call.body.keys()


def test_research_with_a_store_tells_which_files_were_found(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    store = store_with(
        openai_service, {"panels.md": "Solar panels sell well.", "wind.md": "Wind does too."}
    )

    verdict, hits = research(openai_service, store)

    [call] = standin.calls.of("responses.create")
    assert call.body["tools"] == [{"type": "file_search", "vector_store_ids": [store]}]
    assert verdict.reasons
    names = {file.id: file.filename for file in standin.files.values()}
    assert {names[hit.file_id] for hit in hits} == {"panels.md", "wind.md"}
    assert all(hit.filename == names[hit.file_id] for hit in hits)
    assert all(hit.url == URL.format(name=hit.filename) for hit in hits)


def test_research_that_finds_nothing_has_no_hits(openai_service: OpenAIService) -> None:
    store = openai_service.create_vector_store("news/example.com", expires_after_days=None)

    assert research(openai_service, store)[1] == []


@pytest.mark.parametrize(
    "plan",
    [
        AnswerPlan(shape="refusal"),
        AnswerPlan(shape="incomplete"),
        AnswerPlan(shape="empty"),
        AnswerPlan(shape="preamble"),
        AnswerPlan(text="I think it is good."),
        AnswerPlan(text='{"opinion": "good"}'),
        AnswerPlan(text='{"opinion": "good", "reasons": "cheap"}'),
    ],
    ids=["refusal", "cut off", "empty", "preamble", "prose", "field missing", "wrong type"],
)
def test_an_answer_that_breaks_its_model_is_unusable(
    standin: OpenAIStandIn, openai_service: OpenAIService, plan: AnswerPlan
) -> None:
    standin.answers.add(plan)

    with pytest.raises(UnusableAnswerError):
        research(openai_service)


def test_an_answer_that_came_whole_but_was_called_cut_off_is_unusable(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    whole = '{"opinion": "good", "reasons": []}'
    standin.answers.add(AnswerPlan(shape="incomplete", text=whole + " " * len(whole)))

    with pytest.raises(UnusableAnswerError, match="gpt-test ended incomplete"):
        research(openai_service)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(operation="responses.create", status=429), OpenAIUnavailableError),
        (Fault(operation="responses.create", malformed=True), OpenAIUnavailableError),
        (Fault(operation="responses.create", status=400), OpenAIRejectedError),
    ],
    ids=["429", "half an answer", "400"],
)
def test_a_model_that_cannot_be_asked_is_no_unusable_answer(
    standin: OpenAIStandIn,
    openai_service: OpenAIService,
    fault: Fault,
    kind: type[Exception],
) -> None:
    standin.faults.add(fault)
    with pytest.raises(kind):
        research(openai_service)

    standin.faults.add(fault)
    with pytest.raises(kind):
        write(openai_service)


def test_research_in_an_expired_store_is_refused(
    standin: OpenAIStandIn, openai_service: OpenAIService
) -> None:
    store = openai_service.create_vector_store("news/example.com", expires_after_days=1)
    standin.expire_vector_store(store)

    with pytest.raises(OpenAIRejectedError, match="expired"):
        research(openai_service, store)
