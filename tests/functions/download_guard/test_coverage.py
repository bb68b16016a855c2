"""The tables have what the guard is there for; a case that is taken out is missed here."""

import pytest

from functions.errors import DownloadFailure
from tests.functions.download_guard import legitimate, refused_addresses, test_refused

KINDS = (
    "loopback",
    "link-local",
    "private",
    "carrier-grade",
    "multicast",
    "unspecified",
    "metadata",
)
FORMS = ("dotted", "decimal", "octal", "hex", "short", "IPv4-mapped")


def test_there_are_as_many_cases_as_were_promised() -> None:
    assert len({case.what for case in test_refused.CASES}) == len(test_refused.CASES) >= 80
    assert len({case.what for case in legitimate.CASES}) == len(legitimate.CASES) >= 20


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_address_is_tried_in_each_form(kind: str) -> None:
    spelt = {what for what, _, _ in refused_addresses.SPELLINGS}
    # The shared address space has no counterpart among the addresses of version 6.
    forms = FORMS if kind == "carrier-grade" else (*FORMS, "IPv6")
    assert {f"{kind}, {form}" for form in forms} <= spelt


def test_each_failure_of_a_download_occurs() -> None:
    of_documents = {DownloadFailure.TOO_LITTLE_TEXT, DownloadFailure.UNSUPPORTED_TYPE}
    assert {case.failure for case in test_refused.CASES} == set(DownloadFailure) - of_documents
