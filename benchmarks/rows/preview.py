"""A preview of the whole program without an engine, an account or a network."""

import subprocess
import sys

from benchmarks.row import Row, fastest, seconds, under
from benchmarks.work.previewing import registered
from infra.bundle import LAMBDA, build

_TIMES = 3


def measure() -> Row:
    """From the start of a process to its end; RuntimeError if an update made something else."""
    build(LAMBDA)  # warm, as at the second preview
    previews = [
        seconds(lambda: _process("-m", "benchmarks.work.previewing")) for _ in range(_TIMES)
    ]
    took, shown = min(previews)
    names = shown.split("\n")
    if names != registered(preview=False):
        raise RuntimeError("a preview does not show what an update makes")
    pulumi = _seconds("-c", "import local.program")
    imported = _seconds("-c", "import local.program, infra, infra.settings")
    bundled = fastest(lambda: build(LAMBDA), times=_TIMES)
    return Row(
        what="`preview` of the whole program, offline",
        baseline="—",
        ours=f"{took:.2f} s",
        goals=(under(3, measured=took, unit="s"),),
        details=f"""\
`__main__.py` with everything that is optional, under Pulumi's mock monitor at preview, from the
start of a process to its end: {len(names)} resources, the same as an update registers. It is the
fastest of {_TIMES}; the bundle is there already. Of the time, Python and Pulumi's SDK take
{pulumi:.2f} s to be imported, `pulumi_aws`, pydantic and the components {imported - pulumi:.2f} s;
to find out that the bundle is still right takes {bundled:.2f} s, and to register the resources
{took - imported - bundled:.2f} s. Each part is a process, or a run, of its own. An engine and its
plugins come on top where there are any.
""",
    )


def _seconds(*arguments: str) -> float:
    """What a process takes."""
    return fastest(lambda: _process(*arguments), times=_TIMES)


def _process(*arguments: str) -> str:
    finished = subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE)
    return finished.stdout.decode()
