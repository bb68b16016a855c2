"""As much of somebody else's text as a log line or a table item takes."""


def excerpt(text: str, most: int = 1_000) -> str:
    """No more than ``most`` characters of a text, and no half of one, which nothing can store."""
    return text[:most].encode(errors="replace").decode()
