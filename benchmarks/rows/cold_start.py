"""Cold starts: from a function's process to its first answer, beside the usual bundle's."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.cold import least_app, usual_bundle
from benchmarks.cold.cold_process import first_answer, import_times, lambdas_own_packages
from benchmarks.cold.first_events import CONFIG, FirstEvent, first_events
from benchmarks.row import Goal, Row
from docs.generate.markdown import table
from infra import bundle
from local.function_environment import Runtime
from local.stack import LOCAL_WEBHOOK_SECRET, running

_TIMES = 5
_CALL_OPENAI = (
    *("ingest", "check", "sweep", "market_analysis"),
    *("submit", "list_pending", "collect", "reconcile"),
)
_PROFILED = ("ingest", "list_pending", "apply", "project", "webhook")
_WEBHOOK_MILLISECONDS = 500


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """Seconds to the first answer, the fastest of several starts."""

    usual: float
    usual_compiled: float
    """With compiled modules that Python takes."""
    least: float
    """Of a function that imports pydantic and boto3 from the shipped bundle, and nothing else."""
    functions: Mapping[str, float]
    imports: Mapping[str, Mapping[str, float]]
    """Of some functions, by package."""

    @property
    def others(self) -> list[str]:
        """The functions that do not call OpenAI."""
        return [name for name in self.functions if name not in _CALL_OPENAI]


def measure() -> Row:
    """Every function, each time in a new process."""
    with _up() as (events, runtime):
        measured = _measured(events, runtime)
    with_openai, others = (_range(measured, names) for names in (_CALL_OPENAI, measured.others))
    return Row(
        what="cold start, from the process's start to its first answered event",
        baseline=f"everything imported at the top of one module: {measured.usual:.2f} s",
        ours=f"{with_openai} s for functions that call OpenAI, {others} s for the others",
        goals=(
            _share_goal(measured, _CALL_OPENAI, most=50, of="functions that call OpenAI"),
            _share_goal(measured, measured.others, most=25, of="the others"),
            _webhook_goal(measured.functions["webhook"]),
        ),
        details=_details(measured),
        limit=_limit(measured),
    )


@contextmanager
def _up() -> Iterator[tuple[Mapping[str, FirstEvent], Runtime]]:
    """A stack with an event for each function, and the shipped bundle as Lambda has it."""
    with (
        running(config=CONFIG, webhook_secret=LOCAL_WEBHOOK_SECRET) as stack,
        lambdas_own_packages() as runtime_dir,
        tempfile.TemporaryDirectory() as scratch,
    ):
        code = _unzipped(bundle.build(bundle.THIS_MACHINE), Path(scratch, "shipped"))
        shutil.copy(least_app.__file__, code)
        runtime = Runtime(
            code_dir=code,
            runtime_dir=runtime_dir,
            cache_dir=Path(scratch),
            endpoint_url=stack.aws.endpoint_url,
        )
        yield first_events(stack), runtime


def _measured(events: Mapping[str, FirstEvent], runtime: Runtime) -> _Measured:
    no_records = events["ingest"]
    usual, least = (
        replace(no_records, function=replace(no_records.function, handler=handler))
        for handler in (usual_bundle.HANDLER, "least_app.handler")
    )
    # Beside what it is linked to.
    with tempfile.TemporaryDirectory(dir=usual_bundle.CACHE) as scratch:
        archive = usual_bundle.zipped(bundle.THIS_MACHINE, Path(scratch, "usual.zip"))
        unzipped = _unzipped(archive, Path(scratch, "unzipped"))
        compiled = usual_bundle.compiled(Path(scratch, "compiled"))
        return _Measured(
            usual=_fastest(usual, replace(runtime, code_dir=unzipped)),
            usual_compiled=_fastest(usual, replace(runtime, code_dir=compiled)),
            least=_fastest(least, runtime),
            functions={name: _fastest(event, runtime) for name, event in events.items()},
            imports={
                name: import_times(events[name].function, runtime, events[name].event)
                for name in _PROFILED
            },
        )


def _unzipped(archive: Path, directory: Path) -> Path:
    with zipfile.ZipFile(archive) as content:
        content.extractall(directory)
    return directory


def _fastest(event: FirstEvent, runtime: Runtime) -> float:
    answers = [first_answer(event.function, runtime, event.event) for _ in range(_TIMES)]
    for answer in answers:
        if answer.payload != event.answer:
            raise ValueError(f"{event.function.handler}: {answer.payload} is not {event.answer}")
    return min(answer.seconds for answer in answers)


def _range(measured: _Measured, names: Sequence[str]) -> str:
    times = [measured.functions[name] for name in names]
    return f"{min(times):.2f} to {max(times):.2f}"


def _share_goal(measured: _Measured, names: Sequence[str], *, most: int, of: str) -> Goal:
    """The slowest of the functions takes less than so many hundredths of the usual bundle's."""
    share = 100 * max(measured.functions[name] for name in names) / measured.usual
    return Goal(
        to_reach=f"{of}: under {most} %",
        measured=f"{share:.0f} % at most",
        is_reached=share < most,
    )


def _webhook_goal(seconds: float) -> Goal:
    milliseconds = 1000 * seconds
    return Goal(
        to_reach=f"the webhook: under {_WEBHOOK_MILLISECONDS} ms",
        measured=f"{milliseconds:.0f} ms",
        is_reached=milliseconds < _WEBHOOK_MILLISECONDS,
    )


def _details(measured: _Measured) -> str:
    functions = table(
        ["function", "seconds", "of the usual bundle's"],
        (
            [f"`{name}`", f"{taken:.2f}", f"{100 * taken / measured.usual:.0f} %"]
            for name, taken in measured.functions.items()
        ),
    )
    return f"""\
The bundles are unzipped, and a process is started as Lambda does it: it imports the handler, gets
one event and answers it, against the embedded AWS and the stand-ins on loopback. No compiled module
is kept, as Lambda's `/var/task` cannot be written to; boto3 comes compiled, as in Lambda's runtime.
The time is the fastest of {_TIMES} starts. The usual bundle is `benchmarks/cold/usual_app.py`, for
all functions alike: it answers an event of no records, which is less work than most functions have
here, for each reads its secret or its table and gives its real answer. With compiled modules that
Lambda's Python takes, the usual bundle would need {measured.usual_compiled:.2f} s: those that pip
leaves are of the Python that ran pip, and good for the times of the files that it wrote.

{functions}"""


def _limit(measured: _Measured) -> str:
    packages = table(
        ["function", "what its imports take"],
        (
            [f"`{name}`", ", ".join(f"{each} {times[each]:.2f} s" for each in list(times)[:5])]
            for name, times in measured.imports.items()
        ),
    )
    return f"""\
Where the time goes, measured with `-X importtime`, which makes it longer:

{packages}
What is left is source that Python compiles anew in each process, most of it pydantic's and
openai's, and boto3. Every function needs pydantic and boto3: one that has nothing else, and makes
one client, takes {measured.least:.2f} s, {100 * measured.least / measured.usual:.0f} % of the usual
bundle. With compiled modules the imports would take some two fifths less;
[decision 12](decisions/12-modules-are-compiled-where-they-run.md) says why it is not done."""
