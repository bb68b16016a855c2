"""From downloaded bytes to a document: the type, the text, the name."""

import codecs
import io
import re
import zipfile

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from functions.clients.web import Fetched
from functions.errors import DownloadError, DownloadFailure
from functions.ingest.documents import MEDIA_TYPES, Document, file_name, key_in, to_document
from functions.ingest.pages import MAX_TAGS

ACCEPTED = set(
    re.findall(
        r"\S+",
        ".c .cpp .cs .css .doc .docx .go .html .java .js .json .md .pdf .php .pptx .py .rb .sh .tex"
        " .ts .txt",
    )
)
PROSE = "The quick brown fox jumps over the lazy dog. " * 6
PAGE = f"<!DOCTYPE html><html><head><title>Foxes</title></head><body><p>{PROSE}</p></body></html>"
OCTETS = "application/octet-stream"
KEYS = st.text("0123456789abcdef", min_size=64, max_size=64)
# As DynamoDB takes them, and as long as leaves room for the rest of a file's name.
TABLES = st.from_regex(r"[A-Za-z0-9_.-]{3,183}", fullmatch=True)


def archive(*members: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as opened:
        for member in members:
            opened.writestr(zipfile.ZipInfo(member), "content")  # the same bytes each time
    return data.getvalue()


PDF = b"%PDF-1.7\n\0\0"
DOCX = archive("[Content_Types].xml", "word/document.xml")
PPTX = archive("[Content_Types].xml", "ppt/presentation.xml")
XLSX = archive("[Content_Types].xml", "xl/workbook.xml")
OLE = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504
DOC = OLE + "WordDocument".encode("utf-16-le")
XLS = OLE + "Workbook".encode("utf-16-le")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
TEXT = PROSE.encode()
HTML = PAGE.encode()


def document(
    body: bytes | str, content_type: str = "", path: str = "/", min_characters: int = 200
) -> Document:
    encoded = body.encode() if isinstance(body, str) else body
    fetched = Fetched(url=f"https://example.com{path}", content_type=content_type, body=encoded)
    return to_document(fetched, min_characters=min_characters)


def failure(body: bytes | str, content_type: str = "", path: str = "/") -> DownloadError:
    with pytest.raises(DownloadError) as failed:
        document(body, content_type, path)
    return failed.value


def markdown(html: str) -> str:
    made = document(html, "text/html", min_characters=0)
    assert (made.extension, made.media_type) == (".md", "text/markdown")
    return made.body.decode()


def test_the_extensions_are_those_that_file_search_takes() -> None:
    assert set(MEDIA_TYPES) == ACCEPTED


@pytest.mark.parametrize(
    ("content_type", "path", "body", "extension"),
    [
        # The content type first,
        ("text/plain", "/a.md", TEXT, ".txt"),
        ("text/markdown; charset=utf-8", "/a.txt", TEXT, ".md"),
        ("TEXT/X-MARKDOWN", "/", TEXT, ".md"),
        ("application/json", "/a.txt", TEXT, ".json"),
        ("application/ld+json", "/", TEXT, ".json"),
        ("text/javascript", "/", TEXT, ".js"),
        ("application/x-javascript", "/", TEXT, ".js"),
        ("text/css", "/", TEXT, ".css"),
        ("text/x-python", "/", TEXT, ".py"),
        ("application/x-tex", "/", TEXT, ".tex"),
        ("text/html", "/a.txt", TEXT, ".md"),
        ("application/xhtml+xml", "/", HTML, ".md"),
        ("text/html, text/html", "/", TEXT, ".md"),
        ("application/pdf", "/a.html", PDF, ".pdf"),
        # then the path's extension, if the content type says nothing,
        ("", "/a.md", TEXT, ".md"),
        (OCTETS, "/dir/a.py?raw=1", TEXT, ".py"),
        ("binary/octet-stream", "/A.JSON", TEXT, ".json"),
        ("application/x-unheard-of", "/a.sh", TEXT, ".sh"),
        ("nonsense", "/a%2Etex", TEXT, ".tex"),
        (OCTETS, "/a.htm", TEXT, ".md"),
        (OCTETS, "/a.xhtml/", TEXT, ".md"),
        # or if the bytes are something else,
        ("application/pdf", "/a.md", TEXT, ".md"),
        ("video/mp2t", "/a.ts", TEXT, ".ts"),
        ("image/png", "/a.md", TEXT, ".md"),
        # then the bytes.
        ("", "/", TEXT, ".txt"),
        (OCTETS, "/a", TEXT, ".txt"),
        (OCTETS, "/v1.2", TEXT, ".txt"),
        ("application/pdf", "/a.pdf", TEXT, ".txt"),
        ("", "/", HTML, ".md"),
        ("", "/a.pdf", b"\xef\xbb\xbf \n<HTML lang=en>" + TEXT, ".md"),
        ("application/pdf", "/a.pdf", HTML, ".md"),
        ("text/plain", "/", HTML, ".md"),
        ("image/jpeg", "/a.jpg", HTML, ".md"),
        ("application/xml", "/", b'<?xml version="1.0"?><!-- x --> ' + HTML, ".md"),
        ("text/html", "/report", PDF, ".pdf"),
        ("", "/", PDF, ".pdf"),
        (OCTETS, "/a.txt", b"\r\n" + PDF, ".pdf"),
        ("text/html", "/", DOCX, ".docx"),
        ("application/zip", "/", DOCX, ".docx"),
        ("application/zip", "/a.docx", PPTX, ".pptx"),
        ("application/msword", "/a.doc", DOC, ".doc"),
        ("application/msword", "/a.doc", DOCX, ".docx"),
    ],
)
def test_the_type_is_that_of_label_path_and_bytes_in_turn(
    content_type: str, path: str, body: bytes, extension: str
) -> None:
    made = document(body, content_type, path)
    assert made.extension == extension
    assert made.media_type == MEDIA_TYPES[extension]
    if extension in {".pdf", ".docx", ".pptx", ".doc"}:
        assert made.body == body


@pytest.mark.parametrize(
    ("content_type", "path", "body", "named"),
    [
        ("text/csv", "/a.txt", TEXT, "text/csv"),
        ("application/xml", "/", TEXT, "application/xml"),
        ("application/rss+xml; charset=utf-8", "/", TEXT, "application/rss+xml"),
        ("image/svg+xml", "/", TEXT, "image/svg+xml"),
        ("application/x-ndjson", "/", TEXT, "application/x-ndjson"),
        ("application/yaml", "/", TEXT, "application/yaml"),
        ("application/rtf", "/", TEXT, "application/rtf"),
        ("message/rfc822", "/", TEXT, "message/rfc822"),
        (OCTETS, "/a.csv", TEXT, ".csv"),
        ("", "/a.XML", TEXT, ".xml"),
        ("", "/a.yml", TEXT, ".yml"),
        ("", "/a.jsonl", TEXT, ".jsonl"),
        ("", "/", b"<?xml version='1.0'?><rss>" + TEXT, "xml"),
        ("text/plain", "/a.txt", b"{\\rtf1 " + TEXT, "rtf"),
        ("image/png", "/a.png", PNG, "image/png"),
        ("text/plain", "/a.txt", PNG, "text/plain"),
        ("text/html", "/", PNG, "text/html"),
        ("", "/", PNG, "no type"),
        ("application/pdf", "/a.pdf", b"not a \0 PDF", "application/pdf"),
        ("audio/mpeg", "/a.mp3", b"ID3\x03\0" + TEXT, "audio/mpeg"),
        ("video/mp4", "/a.mp4", b"\0\0\0\x18ftypmp42", "video/mp4"),
        (MEDIA_TYPES[".docx"], "/a.docx", XLSX, "wordprocessingml"),
        ("application/zip", "/a.zip", archive("a.txt"), "application/zip"),
        ("application/zip", "/", DOCX[:-1], "application/zip"),
        ("application/zip", "/", b"PK\x03\x04\0", "application/zip"),
        ("application/zip", "/", archive("a/word/document.txt"), "application/zip"),
        ("application/vnd.ms-excel", "/a.xls", XLS, "application/vnd.ms-excel"),
    ],
)
def test_what_file_search_does_not_take_is_named(
    content_type: str, path: str, body: bytes, named: str
) -> None:
    error = failure(body, content_type, path)
    assert error.failure is DownloadFailure.UNSUPPORTED_TYPE
    assert named in str(error)


def test_a_word_document_inside_an_archive_is_not_taken_for_one() -> None:
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as opened:
        opened.writestr("inner.docx", DOCX)
    assert failure(outer.getvalue()).failure is DownloadFailure.UNSUPPORTED_TYPE


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("caf\u00e9".encode(), "text/plain", "caf\u00e9"),
        ("caf\u00e9".encode("latin-1"), "text/plain; charset=ISO-8859-1", "caf\u00e9"),
        ("\u201cquoted\u201d".encode("cp1252"), "text/plain; charset=latin1", "\u201cquoted\u201d"),
        ("caf\u00e9".encode("cp1252"), "text/plain", "caf\u00e9"),
        (b"\x81\xe9", "text/plain", "\x81\u00e9"),
        (codecs.BOM_UTF8 + b"plain", "text/plain", "plain"),
        (codecs.BOM_UTF8 + "\u00e9".encode(), "text/plain; charset=latin-1", "\u00e9"),
        (codecs.BOM_UTF16_LE + "wide\u00e9".encode("utf-16-le"), "text/plain", "wide\u00e9"),
        (codecs.BOM_UTF16_BE + "wide".encode("utf-16-be"), "text/plain; charset=utf-8", "wide"),
        ("wide".encode("utf-16-le"), 'text/plain; charset="utf-16le"', "wide"),
        ("\u65e5\u672c".encode("shift_jis"), "text/plain;charset='Shift_JIS'", "\u65e5\u672c"),
        (b"a\xffb", "text/plain; charset=utf-8", "a\ufffdb"),
        ("caf\u00e9".encode(), "text/plain; charset=unheard-of", "caf\u00e9"),
        (b"abc", "text/plain; charset=rot13", "abc"),
        (b"\\ud800", "text/plain; charset=unicode_escape", "\\ud800"),
        (b"abc-", "text/plain; charset=punycode", "abc-"),
        (b"+2AA-", "text/plain; charset=utf-7", "+2AA-"),
    ],
)
def test_text_becomes_utf_8(body: bytes, content_type: str, text: str) -> None:
    assert document(body, content_type, min_characters=0).body == text.encode()


@pytest.mark.parametrize(
    ("html", "content_type", "text"),
    [
        ("<p>caf\u00e9".encode("latin-1"), "text/html; charset=latin-1", "caf\u00e9"),
        (b'<meta charset="cp1252"><p>\x80', "text/html", "\u20ac"),
        (b"<META content='text/html; charset=koi8-r'><p>\xc1", "text/html", "\u0430"),
        (b'<meta charset="cp1252"><p>\xc3\xa9', "text/html; charset=utf-8", "\u00e9"),
        (b'<meta charset="cp1252"><p>\x80', "text/html; charset=unheard-of", "\u20ac"),
        (b'<meta charset="utf-16"><p>plain', "text/html", "plain"),
        (b"<p>a\xffb", "text/html", "a\ufffdb"),
        (b"<html><p>a\xffb", "", "a\ufffdb"),
    ],
)
def test_a_page_is_read_in_its_charset(html: bytes, content_type: str, text: str) -> None:
    assert document(html, content_type, min_characters=0).body.decode().strip() == text


@pytest.mark.parametrize("content_type", ["", "text/plain", "text/html", "application/pdf"])
def test_nothing_is_empty(content_type: str) -> None:
    assert failure(b"", content_type).failure is DownloadFailure.EMPTY


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"x" * 199, "text/plain"),
        (b"x" + b" \n\t" * 500, "text/plain"),
        (b"{}", "application/json"),
        (b"<html></html>", "text/html"),
        (b"<html>" + b"<div class='a-very-long-name'></div>" * 100, "text/html"),
        (b"<html><script>" + TEXT + b"</script><p>Enable JavaScript", "text/html"),
        (b"<html><title>" + TEXT + b"</title><p>Please log in", "text/html"),
        (b"<html><form><p>" + TEXT + b"</p><input></form>", "text/html"),
        (b"<html><a href='/" + b"a" * 500 + b"'>x</a>", "text/html"),
        (b"<html><img src='data:image/png;base64," + b"a" * 500 + b"'>", "text/html"),
        (b"<html><!-- " + TEXT + b" -->", "text/html"),
    ],
)
def test_too_little_text_is_no_document(body: bytes, content_type: str) -> None:
    error = failure(body, content_type)
    assert error.failure is DownloadFailure.TOO_LITTLE_TEXT
    assert "200" in str(error)


def test_just_enough_text_is_a_document() -> None:
    assert document(b"x" * 200, "text/plain").body == b"x" * 200


def test_a_page_becomes_markdown_with_its_title() -> None:
    html = """<?xml version="1.0"?><!DOCTYPE html><html><head><title> All
      about foxes </title></head><body><p>A <b>quick</b> <a href="/fox">fox</a>, hi</p>
      <ul><li>one</li><li>two</li></ul></body></html>"""
    assert markdown(html) == ("# All about foxes\n\nA **quick** [fox](/fox), hi\n\n- one\n- two\n")


def test_a_page_with_a_heading_keeps_that() -> None:
    assert markdown("<title>Site</title><h1>Foxes</h1><p>Hi") == "# Foxes\n\nHi\n"
    assert markdown("<title>Site</title><h1><img src=a></h1><p>Hi").startswith("# Site\n")


@pytest.mark.parametrize("cell", ["th", "td"])
def test_a_table_becomes_a_table(cell: str) -> None:
    first = f"<{cell}>a</{cell}><{cell}>b</{cell}>"
    html = f"<table><tr>{first}</tr><tr><td>1</td><td>2</td></tr></table>"
    assert markdown(html) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"


@pytest.mark.parametrize(
    "tag",
    [
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "iframe",
        "nav",
        "form",
        "select",
        "button",
        "textarea",
        "dialog",
    ],
)
def test_what_only_a_browser_needs_is_left_out(tag: str) -> None:
    assert markdown(f"<p>before</p><{tag}>hidden</{tag}><p>after</p>") == "before\n\nafter\n"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<head><title>T</title><body><p>no end of head", "# T\n\nno end of head"),
        ("<form><h1>Page</h1><p>in a form</p><input></form>", "# Page\n\nin a form"),
        ("<p><img src='data:image/png;base64,xxxx' alt='a fox'></p>", "a fox"),
        ("<p><a href='javascript:void(0)'>click</a></p>", "click"),
        ("<p>a<?php echo 1 ?>b<!-- c -->d<![CDATA[e]]>f</p>", "abdf"),
        ("https://example.com/", "https://example.com/"),
        ("file.html", "file.html"),
        ("<p>5 * 3 = snake_case", "5 * 3 = snake_case"),
        ("<nav>a<nav>b<svg>c</svg></nav><form>d</form></nav>e", "e"),
    ],
)
def test_the_text_of_odd_pages_is_kept(html: str, text: str) -> None:
    assert markdown(html).strip() == text


@pytest.mark.parametrize("tag", ["p", "div", "ul><li", "blockquote", "span", "pre", "table><td"])
def test_a_page_of_any_depth_is_read(tag: str) -> None:
    deep = document(f"<html><title>Deep</title>{f'<{tag}>' * 3000}{PROSE}", "text/html")
    text = deep.body.decode()
    assert text.startswith("# Deep")
    assert "lazy dog." in text


def test_a_page_that_the_parser_cannot_take_is_a_bad_response() -> None:
    error = failure(f"<html>&#{'1' * 5000};{PROSE}")
    assert error.failure is DownloadFailure.BAD_RESPONSE


def test_a_page_of_too_many_tags_is_too_large() -> None:
    assert failure("<html>" + "<b>" * MAX_TAGS).failure is DownloadFailure.TOO_LARGE


CONTENT_TYPES = st.text(max_size=40) | st.builds(
    "{}; charset={}".format,
    st.sampled_from([*MEDIA_TYPES.values(), OCTETS, "text/csv", "image/png", ""]),
    st.sampled_from(
        ["utf-8", "utf-16", "utf-7", "hz", "iso-2022-jp", "gb18030", "idna", "hex", "\0"]
    )
    | st.text(max_size=20),
)
PIECES = re.findall(
    r"\S+",
    "<html> <p> </p> <a href='x'> </a> <ol start='9'> <li> <table> <tr> <td colspan='\u00b2'> <pre>"
    " </pre> <!-- --> <![CDATA[ ]]> <?xml ?> <!doctype <h1> <title> <form> </form> &# &lt; &#xD800;"
    " <script> </script> <img alt=> <svg> <code> < > x",
)
MARKUP = st.lists(st.sampled_from(PIECES)).map("".join)


@settings(max_examples=150)
@given(
    st.binary(max_size=300)
    | MARKUP.map(str.encode)
    | st.builds(bytes.__add__, st.sampled_from([PDF, DOCX, OLE, HTML]), st.binary(max_size=30)),
    CONTENT_TYPES,
    st.sampled_from(["/", "/a.pdf", "/a.csv", "/a.html", "/a.txt"]),
)
@example(b"<?xml version='1.0'?><x>", "text/html", "/")
@example(b"<td colspan='\xc2\xb2'>", "text/html", "/")
@example(b"<![x", "text/html", "/")
def test_any_bytes_are_a_document_or_a_download_error(
    body: bytes, content_type: str, path: str
) -> None:
    try:
        made = document(body, content_type, path, min_characters=0)
    except DownloadError:
        return
    assert made.extension in ACCEPTED
    if made.extension not in {".pdf", ".docx", ".pptx", ".doc"}:
        assert "\0" not in made.body.decode()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/", "example-com.m-7.md"),
        ("https://www.Example.com/News/Fox_Story-2", "www-example-com-news-fox-story-2.m-7.md"),
        ("https://example.com/a.html?utm=1#top", "example-com-a.m-7.md"),
        ("https://example.com/report%202024.PDF", "example-com-report-2024.m-7.md"),
        ("https://example.com/a.csv", "example-com-a.m-7.md"),
        ("https://example.com/a.pdf/", "example-com-a.m-7.md"),
        ("https://example.com/v1.2", "example-com-v1-2.m-7.md"),
        ("https://example.com/article.aspx", "example-com-article-aspx.m-7.md"),
        ("https://b\u00fccher.example/\u00e9t\u00e9", "bucher-example-ete.m-7.md"),
        ("https://example.com/%E6%97%A5%E6%9C%AC", "example-com.m-7.md"),
        ("https://example.com:8080/a/../..%2f..%2fetc", "example-com-8080-a-etc.m-7.md"),
        ("https://a.example/web/https://b.example/x", "a-example-web-https-b-example-x.m-7.md"),
        ("https://me:secret@example.com/x", "example-com-x.m-7.md"),
        (f"https://example.com/{'a' * 500}", f"example-com-{'a' * 68}.m-7.md"),
        (f"https://{'a' * 79}/b", f"{'a' * 79}.m-7.md"),
        ("", "document.m-7.md"),
        ("https://[::", "document.m-7.md"),
    ],
)
def test_a_file_is_named_after_its_url(url: str, name: str) -> None:
    assert file_name(url, ".md", stack_mark="m", key="7") == name


@given(
    st.text() | st.builds("https://{}/{}".format, st.text(), st.text()),
    st.sampled_from(sorted(ACCEPTED)),
    TABLES,
    KEYS,
)
def test_every_name_is_safe_and_says_whose_it_is_and_of_which_type(
    url: str, extension: str, table: str, key: str
) -> None:
    name = file_name(url, extension, stack_mark=table, key=key)
    assert len(name) <= 255
    mark = re.escape(f".{table}-{key}{extension}")
    assert re.fullmatch(rf"[a-z0-9][a-z0-9-]{{0,79}}{mark}", name)
    assert key_in(name, stack_mark=table) == key


@given(st.text(min_size=1), TABLES, TABLES, KEYS, st.sampled_from(sorted(ACCEPTED)))
@example("https://a.example", "ledger", "ledger-2", "0" * 64, ".md")
@example("https://a.example", "ledger-" + "0" * 64, "ledger", "0" * 64, ".md")
@example("https://a.example", "a.ledger", "ledger", "0" * 64, ".md")
@example("https://a.example", "a-b", "a.b", "0" * 64, ".md")
def test_a_name_of_another_stack_is_nobody_elses(
    url: str, table: str, other: str, key: str, extension: str
) -> None:
    assume(table != other)
    assert key_in(file_name(url, extension, stack_mark=table, key=key), stack_mark=other) is None


@given(
    st.text() | st.builds("{}.ledger-{}{}".format, st.text(), KEYS, st.text()),
    st.integers(0, 120),
    st.text(max_size=2),
    st.integers(0, 2),
)
@example(f"a.ledger-{'0' * 64}.md", 0, "A", 1)
@example(f"a.ledger-{'0' * 64}.md", 77, "\n", 0)
@example(f"a.ledger-{'0' * 64}.md", 9, "a.", 0)
@example(f"a.ledger-{'0' * 64}.md", 20, "g", 1)
@example(f"a.ledger-{'0' * 64}.md", 20, "", 1)
def test_a_name_that_we_did_not_make_has_no_key(
    name: str, position: int, other: str, fewer: int
) -> None:
    spoiled = name[:position] + other + name[position + fewer :]
    key = key_in(spoiled, stack_mark="ledger")
    if key is not None:
        slug, _, rest = spoiled.partition(".")
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", slug)
        assert re.fullmatch(r"[0-9a-f]{64}", key)
        assert rest in {f"ledger-{key}{extension}" for extension in ACCEPTED}


def test_a_slug_gives_way_to_the_mark() -> None:
    url, key = f"https://example.com/{'a' * 100}", "0" * 64
    assert file_name(url, ".docx", stack_mark="m" * 183, key=key) == f"e.{'m' * 183}-{key}.docx"
    assert file_name(url, ".docx", stack_mark="m" * 172, key=key).startswith("example-com.m")
    assert len(file_name(url, ".md", stack_mark="m" * 31, key=key)) == 80 + 1 + 31 + 65 + 3
