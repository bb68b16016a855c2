"""Keys that are told from everything else, in whatever form somebody writes them."""

import base64
from collections.abc import Iterator
from urllib.parse import quote

_PART = 12
"""So many characters of a key are too many to be seen."""
_BLOCK = 6
"""Any part of twelve holds one of the blocks of six that a text can be cut into."""


class MarkedKeys:
    """Keys, and what is to be found of them: themselves, their parts, and other forms of both."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        forms = {form for key in keys for form in _forms(key.encode())}
        self._blocks = {
            form[start : start + _BLOCK]
            for form in forms
            for start in range(0, len(form) - _BLOCK + 1, _BLOCK)
        }
        self._parts = {
            form[start : start + _PART] for form in forms for start in range(len(form) - _PART + 1)
        }

    def found_in(self, data: bytes) -> bool:
        """Whether the data shows a key, or twelve characters of one."""
        # There are few blocks and many parts.
        return any(block in data for block in self._blocks) and any(
            part in data for part in self._parts
        )


def _forms(key: bytes) -> Iterator[bytes]:
    """The key as it is, in a URL, in hexadecimal digits, and in base64 wherever it begins there."""
    yield key
    yield quote(key, safe="").encode()
    yield key.hex().encode()
    for before in range(3):
        # The characters at both ends are also made of what is beside the key.
        inner = slice(-(-before * 8 // 6), (before + len(key)) * 8 // 6)
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + key)[inner]
