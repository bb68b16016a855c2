"""Something wrong with the configuration, told so that it can be mended by pasting a line."""

from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A key, what was found there, what is allowed, and a value that would do."""

    key: str
    found: str
    allowed: str
    mend: Any
    secret: bool = False

    @classmethod
    def missing_secret(cls, key: str) -> Self:
        """A secret that nobody has set. Its value is never part of a problem."""
        return cls(key=key, found="is not set", allowed="a secret", mend="<the key>", secret=True)

    def __str__(self) -> str:
        return f"{self.key} {self.found}. Allowed: {self.allowed}.\n    {self.line}\n"

    @property
    def line(self) -> str:
        """The line to paste."""
        if self.mend == []:
            return f"pulumi config rm {self.key}"
        flags = " --secret" if self.secret else ""
        return f"pulumi config set{flags} {self._assignment()}"

    def _assignment(self) -> str:
        if isinstance(self.mend, list):
            return f"--path '{self.key}[0]' {self.mend[0]}"
        value = str(self.mend).lower() if isinstance(self.mend, bool) else str(self.mend)
        return f"{self.key} {value or repr('')}"
