"""``python -m benchmarks.scale``: simulate every scenario, draw it and write ``docs/scale.md``."""

import time

from benchmarks.scale import page, pictures, scenarios


def main() -> None:
    """Write the page's figures and pictures: the same ones, unless code or limits have changed."""
    began = time.monotonic()
    documents, labels = scenarios.run()
    for name, picture in (pictures.of_documents(documents) | pictures.of_labels(labels)).items():
        (page.PAGE.parent / name).write_text(picture, encoding="utf-8")
    text = page.PAGE.read_text(encoding="utf-8")
    page.PAGE.write_text(page.filled(text, documents, labels), encoding="utf-8")
    print(f"docs/scale.md and its pictures, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
