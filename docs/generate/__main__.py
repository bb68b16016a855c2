"""``make docs``: write the generated parts of all pages anew."""

from docs.generate.pages import PAGES, filled
from docs.generate.program import ROOT, program


def main() -> None:
    """Write each page that changes, and say which."""
    for name, parts in PAGES.items():
        page = ROOT / name
        before = page.read_text(encoding="utf-8")
        after = filled(before, parts, program())
        if after != before:
            page.write_text(after, encoding="utf-8")
        print(f"{name} {'is as it was' if after == before else 'is written anew'}")


if __name__ == "__main__":
    main()
