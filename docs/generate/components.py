"""The components, and the functions that they make."""

import inspect
from pathlib import Path

import pulumi

import infra
from docs.generate import markdown
from docs.generate.packages import docstring, first_paragraph
from docs.generate.program import ROOT, Program


def components(_program: Program) -> str:
    """A table of the components that other programs can import."""
    exported = [getattr(infra, name) for name in infra.__all__]
    classes = [
        each
        for each in exported
        if inspect.isclass(each) and issubclass(each, pulumi.ComponentResource)
    ]
    return markdown.table(
        ["component", "what it is", "where"],
        [
            (markdown.code(each.__name__), first_paragraph(inspect.getdoc(each)), _link(path))
            for each in classes
            for path in [Path(inspect.getfile(each)).relative_to(ROOT)]
        ],
    )


def functions(program: Program) -> str:
    """A table of the functions: the code, and what it may take."""
    return markdown.table(
        ["function", "what it does", "code", "seconds", "MB"],
        [
            (
                markdown.code(function.name),
                docstring(ROOT / path),
                _link(path),
                str(function.inputs["timeout"]),
                str(function.inputs["memorySize"]),
            )
            for function in program.of("aws:lambda/function:Function")
            for path in [_module(function.inputs["handler"])]
        ],
    )


def _module(handler: str) -> Path:
    """The file of ``functions.ingest.handler.handler``."""
    return Path(*handler.split(".")[:-1]).with_suffix(".py")


def _link(path: Path) -> str:
    """From a page in ``docs``."""
    return f"[{path.as_posix()}](../{path.as_posix()})"
