"""Whatever the environment holds: a model of it within bounds, or an error with names alone."""

import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions import environment
from functions.environment import Environment
from functions.errors import InvalidMessageError
from tests.functions.bad_input.inputs import NASTY_TEXTS, assert_plain, some

MODELS = [
    model
    for model in vars(environment).values()
    if isinstance(model, type) and issubclass(model, Environment) and model is not Environment
]
# What a process can be given: no NUL, and bytes that are no text as half characters.
values = (
    st.sampled_from(
        [
            "0",
            "1",
            "-1",
            "1e3",
            "nan",
            "inf",
            "9" * 30,
            "9" * 5_000,
            "80,443",
            ",",
            "80,",
            "0,99999",
        ]
    )
    | st.sampled_from([text for text in NASTY_TEXTS if "\x00" not in text])
    | st.text(max_size=20)
    | st.binary(max_size=8).map(os.fsdecode)
).filter(lambda text: "\x00" not in text and "\ud83d" not in text)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@some
@given(data=st.data())
def test_any_variables_are_a_model_or_our_error(
    model: type[Environment], data: st.DataObject
) -> None:
    names = [name.upper() for name in model.model_fields]
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.delenv(name, raising=False)
        wanted = data.draw(st.lists(st.sampled_from(names), unique=True, min_size=len(names) - 1))
        for name in wanted:
            patch.setenv(name, f"{data.draw(values)}")
        try:
            loaded = model.load()
        except InvalidMessageError as error:
            told, _, rest = (
                str(error).removeprefix("environment variables missing or wrong: ").partition("; ")
            )
            assert set(told.split(", ")) <= set(names)
            assert rest == "infra/ sets them"
        else:
            assert_plain({name: value for name, value in loaded if name != "download_ports"})


@pytest.mark.parametrize("ports", ["", ",", "80,", "0", "65536", "80;443", "-1", "٣.5", "nan"])
def test_ports_that_are_none_are_named(monkeypatch: pytest.MonkeyPatch, ports: str) -> None:
    monkeypatch.setenv("DOWNLOAD_PORTS", ports)
    with pytest.raises(InvalidMessageError, match="DOWNLOAD_PORTS"):
        environment.IngestEnvironment.load()


@pytest.mark.parametrize("text", ["", "\udc80"])
def test_a_text_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LABEL_TABLE", text)
    with pytest.raises(InvalidMessageError, match="LABEL_TABLE"):
        environment.LabelEnvironment.load()


@pytest.mark.parametrize("count", ["0", "-1", "1e3", "9" * 30, "", "many"])
@pytest.mark.parametrize(
    ("model", "name"),
    [
        (environment.IngestEnvironment, "VECTOR_STORE_BATCH_MAX_FILES"),
        (environment.SubmitEnvironment, "COMPLETION_MAX_ENQUEUED_TOKENS"),
        (environment.ApplyEnvironment, "COMPLETION_MAX_ATTEMPTS"),
    ],
)
def test_a_count_that_is_none_is_named(
    monkeypatch: pytest.MonkeyPatch, model: type[Environment], name: str, count: str
) -> None:
    monkeypatch.setenv(name, count)
    with pytest.raises(InvalidMessageError, match=name):
        model.load()


@some
@given(rate=values)
@example(rate="0")
@example(rate="-3")
def test_a_pace_can_be_kept_or_is_refused(rate: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in environment.ProjectEnvironment.model_fields:
            patch.setenv(name.upper(), "x")
        patch.setenv("PINECONE_UPDATES_PER_SECOND", rate)
        try:
            per_second = environment.ProjectEnvironment.load().pinecone_updates_per_second
        except InvalidMessageError:
            return
    assert 1 <= per_second <= 10_000
