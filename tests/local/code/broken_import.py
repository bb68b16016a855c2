"""Needs what is in no bundle."""

import not_in_the_bundle  # type: ignore[import-not-found]

handler = not_in_the_bundle.handler
