"""From a web page to Markdown: its text, without what only a browser needs."""

import re

from bs4 import BeautifulSoup
from bs4.element import PreformattedString, Tag
from markdownify import ATX, MarkdownConverter

from functions.errors import DownloadError, DownloadFailure
from functions.ingest.page_messages import Page

# An honest page of this many takes three to six seconds to read.
MAX_TAGS = 100_000
# Nested quotations and wide cells make more text than they are. An honest page never comes near.
_MAX_GROWTH, _MAX_GROWN = 2, 100_000

# Not "head": a page may leave out its end tag, and html.parser then finds the body inside it.
_DROPPED = frozenset(
    (
        *("applet", "audio", "base", "button", "canvas", "datalist", "dialog", "embed"),
        *("frameset", "iframe", "input", "link", "map", "meta", "nav", "noscript", "object"),
        *("script", "select", "style", "svg", "template", "textarea", "video"),
    )
)
_MAIN_PARTS = ("article", "h1", "main")
_NO_PAGE_BEHIND = ("data:", "javascript:", "blob:")


def read_page(html: str) -> Page:
    """The page's Markdown; DownloadError (TOO_LARGE, BAD_RESPONSE) if it cannot be read."""
    if html.count("<") > MAX_TAGS:
        raise DownloadError(DownloadFailure.TOO_LARGE, f"a page of more than {MAX_TAGS} tags")
    try:
        page = _read(html)
    except MemoryError:  # says nothing of the page alone
        raise
    except Exception as error:  # the parser raises all kinds, ValueError to AssertionError
        detail = f"a page that cannot be read: {type(error).__name__}"
        raise DownloadError(DownloadFailure.BAD_RESPONSE, detail) from error
    if len(page.markdown) > _MAX_GROWTH * len(html) + _MAX_GROWN:
        detail = f"a page of {len(html)} characters whose Markdown has {len(page.markdown)}"
        raise DownloadError(DownloadFailure.TOO_LARGE, detail)
    return page


def _read(html: str) -> Page:
    # In an element, or Beautiful Soup warns of what looks like XML, a URL or a file name to it.
    soup = BeautifulSoup(f"<div>{html}", "html.parser")
    _prune(soup)
    title = _take_title(soup)
    words = re.finditer(r"\S+", soup.get_text(" "))  # one by one: there may be millions
    characters = sum(len(word[0]) + 1 for word in words) - 1
    has_heading = any(_collapsed(heading.get_text()) for heading in soup.find_all("h1"))
    body = _markdown(soup)
    markdown = body if has_heading or not title else f"# {title}\n\n{body}"
    return Page(markdown=f"{markdown.strip()}\n", characters=max(characters, 0))


def _prune(soup: BeautifulSoup) -> None:
    # Looked for by hand: asked for several names, Beautiful Soup tries each at each tag.
    for element in list(soup.descendants):
        if isinstance(element, PreformattedString):
            element.extract()  # comments, declarations, processing instructions
    for tag in soup.find_all(True):
        # Some frameworks put the whole page into one form.
        if tag.name in _DROPPED or (tag.name == "form" and not tag.find(_MAIN_PARTS)):
            tag.decompose()
    for image in soup.find_all("img"):
        image.replace_with(str(image.get("alt", "")))  # the source may be megabytes of base64
    for link in soup.find_all("a"):
        if str(link.get("href", "")).strip().lower().startswith(_NO_PAGE_BEHIND):
            del link["href"]


def _take_title(soup: BeautifulSoup) -> str:
    """The title, taken out of the text."""
    titles = [title.extract() for title in soup.find_all("title")]
    return _collapsed(titles[0].get_text()) if titles else ""


def _markdown(soup: Tag) -> str:
    converter = MarkdownConverter(
        heading_style=ATX,
        bullets="-",
        escape_asterisks=False,
        escape_underscores=False,
        table_infer_header=True,
    )
    try:
        markdown: str = converter.convert_soup(soup)
    except RecursionError:
        # Hundreds of paragraphs without end tags are hundreds of levels deep to html.parser.
        return "\n\n".join(soup.stripped_strings)
    return re.sub(r"\n\s*\n", "\n\n", markdown)


def _collapsed(text: str) -> str:
    return " ".join(text.split())
