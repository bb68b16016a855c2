"""parliament, which knows every action of AWS's and the resources that it is on."""

import sys
import warnings
from importlib import import_module
from importlib.resources import files
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch


def _parliament() -> Any:
    """The module. It finds its data through a part of setuptools that is not there any more."""
    found = SimpleNamespace(resource_filename=lambda package, name: str(files(package) / name))
    with patch.dict(sys.modules, {"pkg_resources": found}), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module("parliament")


_analyse = _parliament().analyze_policy_string


def findings(document: str) -> set[tuple[str, str]]:
    """What is wrong with a policy: parliament's word for it, and the detail."""
    return {(found.issue, str(found.detail)) for found in _analyse(document).findings}
