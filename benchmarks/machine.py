"""What the figures were measured on."""

import os
import platform
from pathlib import Path


def description() -> str:
    """The processor, the cores that may be used, the system and the Python."""
    return (
        f"{_processor()}, {_cores()} cores, {platform.system()}, Python {platform.python_version()}"
    )


def _cores() -> int:
    # macOS has no affinity.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _processor() -> str:
    """As Linux calls it; elsewhere, its architecture."""
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in told.splitlines() if "model name" in line)
    return next(names, platform.machine())
