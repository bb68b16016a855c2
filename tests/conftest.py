"""What all tests share."""

import gc

from hypothesis import settings

# The machine may have other work: what a test takes says nothing about what it tests.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")


def pytest_collection_finish() -> None:
    """Spare the garbage collector what is imported by now: it took a tenth of all time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
