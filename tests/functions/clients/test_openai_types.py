"""The openai package's types, loaded when they are used."""

import ast
import subprocess
import sys
from pathlib import Path

import openai.types

TYPES = Path(openai.types.__file__ or "").parent
ROOT = Path(__file__).parents[3]


def run(program: str) -> str:
    """What a new process prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


def test_the_lists_of_types_are_lists_and_nothing_else() -> None:
    # Anything else that openai puts there would not be run.
    odd = [
        f"{file}: {ast.unparse(statement)}"
        for file in TYPES.rglob("__init__.py")
        for statement in ast.parse(file.read_text()).body
        if not _is_listed(statement)
    ]
    assert odd == []


def _is_listed(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)  # a docstring
    if not isinstance(statement, ast.ImportFrom):
        return False
    aliased = all(name.asname for name in statement.names)
    return statement.module == "__future__" or (statement.level == 1 and aliased)


def test_every_name_is_what_it_is_without_it() -> None:
    names = [
        (f"openai.types.{'.'.join(file.relative_to(TYPES).parts[:-1])}".rstrip("."), alias.asname)
        for file in TYPES.rglob("__init__.py")
        for statement in ast.parse(file.read_text()).body
        if isinstance(statement, ast.ImportFrom) and statement.level
        for alias in statement.names
    ]
    assert len(names) > 500
    program = (
        "import functions.clients.openai_connection\n"
        "from importlib import import_module\n"
        f"for module, name in {names!r}:\n"
        "    found = getattr(import_module(module), name)\n"
        "    print(module, name, getattr(found, '__module__', ''), getattr(found, '__name__', ''))"
    )
    lazily = run(program)
    assert lazily.count("\n") + 1 == len(names)
    assert lazily == run("import openai\n" + program)


def test_the_functions_load_a_few_of_them() -> None:
    loaded = run(
        "import sys, functions.clients.openai, functions.clients.openai_batches\n"
        "print(sum(name.startswith('openai.types.') for name in sys.modules))"
    )
    assert int(loaded) < 60


def test_a_name_that_is_not_there_is_no_name() -> None:
    told = run(
        "import functions.clients.openai_connection, openai.types\n"
        "print(hasattr(openai.types, 'Batch'), hasattr(openai.types, 'Banana'))"
    )
    assert told == "True False"
