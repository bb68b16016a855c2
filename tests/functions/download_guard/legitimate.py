"""Downloads that must come through, odd as some of them look."""

import gzip
import zlib

from tests.functions.clients.web_server import redirect, reply
from tests.functions.download_guard.cases import Legitimate
from tests.functions.download_guard.internet import ALSO_PUBLIC, DEAD, DEAD_V6, PUBLIC, PUBLIC_V6

RAW = zlib.compressobj(wbits=-15)
BUCHER = "xn--bcher-kva.test"
DEAD_FIRST = {"public.test": [[DEAD_V6, DEAD, PUBLIC]]}
CHUNKS = b"3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n"
LONG = f"/file?signature={'s' * 6000}"

CASES = [
    Legitimate("plain http", "http://public.test/"),
    Legitimate("https", "https://public.test/"),
    Legitimate("no path", "https://public.test"),
    Legitimate("a query without a path", "https://public.test?q=1", "/?q=1"),
    Legitimate("a fragment", "https://public.test/a#b?c", "/a"),
    Legitimate("upper case", "HTTPS://PUBLIC.Test/A", "/A"),
    Legitimate("a trailing dot", "https://public.test./a", "/a"),
    Legitimate("port 80 said", "http://public.test:80/"),
    Legitimate("port 443 said", "https://public.test:443/"),
    Legitimate("an empty port", "https://public.test:/"),
    Legitimate("a port with zeros before it", "http://public.test:00080/"),
    Legitimate("an international name", "https://b\u00fccher.test/", "/", BUCHER),
    Legitimate("its ASCII form", "https://xn--bcher-kva.test/", "/", BUCHER),
    Legitimate("a decomposed name", "https://bu\u0308cher.test/", "/", BUCHER),
    Legitimate("full-width letters", "https://\uff50ublic.test/"),
    Legitimate("an underscore", "http://my_bucket.test/k", "/k", "my_bucket.test"),
    Legitimate("hyphens in a row", "http://r3---sn-a.test/", "/", "r3---sn-a.test"),
    Legitimate("a name that begins with a digit", "http://3com.test/", "/", "3com.test"),
    Legitimate("a name that looks local", "http://localhost.test/", "/", "localhost.test"),
    Legitimate("a name like an address", "http://10.1.2.3.test/", "/", "10.1.2.3.test"),
    Legitimate("a public address", f"http://{PUBLIC}/a", "/a", PUBLIC),
    Legitimate("a public address in decimal", "http://134744072/", "/", ALSO_PUBLIC),
    Legitimate("a public address of version 6", f"http://[{PUBLIC_V6}]/a", "/a", f"[{PUBLIC_V6}]"),
    Legitimate("the same in full", "http://[2606:4700:0:0::1111]:80/", host="[2606:4700::1111]"),
    Legitimate("a name of version 6", "http://public.test/", names={"public.test": [[PUBLIC_V6]]}),
    Legitimate("a dead first address", "https://public.test/", names=DEAD_FIRST),
    Legitimate(
        "odd characters", "https://public.test/a|b^`{}?q=<>'[]", "/a|b^%60%7B%7D?q=%3C%3E'[]"
    ),
    Legitimate(
        "letters beyond ASCII", "https://public.test/\u00e9?q=\u65e5", "/%C3%A9?q=%E6%97%A5"
    ),
    Legitimate("percent signs", "https://public.test/%7Ea%2Fb%20c?d=%26", "/%7Ea%2Fb%20c?d=%26"),
    Legitimate(
        "a URL in the query", "https://public.test/?u=http://127.0.0.1/", "/?u=http://127.0.0.1/"
    ),
    Legitimate("an at sign in the path", "https://public.test/@me/b:c", "/@me/b:c"),
    Legitimate("slashes in a row", "https://public.test//a//", "//a//"),
    Legitimate("as long as may be", f"http://public.test/{'a' * 2029}", f"/{'a' * 2029}"),
    Legitimate(
        "gzip",
        "https://public.test/",
        answer=reply(body=gzip.compress(b"hello", mtime=0), Content_Encoding="gzip"),
    ),
    Legitimate(
        "deflate",
        "https://public.test/",
        answer=reply(body=zlib.compress(b"hello"), Content_Encoding="deflate"),
    ),
    Legitimate(
        "raw deflate",
        "https://public.test/",
        answer=reply(body=RAW.compress(b"hello") + RAW.flush(), Content_Encoding="deflate"),
    ),
    Legitimate(
        "chunks", "https://public.test/", answer=reply(body=CHUNKS, Transfer_Encoding="chunked")
    ),
    Legitimate("no length", "http://public.test/", answer=b"HTTP/1.1 200 OK\r\n\r\nhello"),
    Legitimate("HTTP/1.0", "http://public.test/", answer=b"HTTP/1.0 200 OK\r\n\r\nhello"),
    Legitimate(
        "a length told twice alike",
        "http://public.test/",
        answer=reply(body=b"hello", Content_Length="5, 5"),
    ),
    Legitimate(
        "early hints",
        "http://public.test/",
        answer=reply("103 Early Hints", Content_Length="0") + reply(body=b"hello"),
    ),
    Legitimate(
        "many cookies", "http://public.test/", answer=reply(body=b"hello", Set_Cookie="c" * 9000)
    ),
    Legitimate(
        "more than the length",
        "http://public.test/",
        answer=reply(body=b"hello, world", Content_Length="5"),
    ),
    Legitimate(
        "http to https",
        "http://public.test/",
        "/a",
        answers={"/": redirect("https://public.test/a")},
    ),
    Legitimate(
        "a relative redirect",
        "https://public.test/a/b",
        "/c?d",
        answers={"/a/b": redirect("../c?d")},
    ),
    Legitimate(
        "a redirect without a scheme",
        "https://public.test/",
        "/a",
        answers={"/": redirect("//public.test/a")},
    ),
    Legitimate(
        "a redirect to another name",
        "http://public.test/",
        "/a",
        "other.test",
        {"/": redirect("http://other.test/a")},
    ),
    Legitimate(
        "a redirect to an international name",
        "http://public.test/",
        "/a",
        BUCHER,
        {"/": redirect("https://b\u00c3\u00bccher.test/a")},
    ),
    Legitimate(
        "a redirect to what is longer than may be typed",
        "http://public.test/",
        LONG,
        answers={"/": redirect(LONG)},
    ),
    Legitimate(
        "a redirect with spaces", "http://public.test/", "/a%20b", answers={"/": redirect(" /a b ")}
    ),
    Legitimate(
        "a redirect with a tab in its host",
        "http://public.test/",
        "/a",
        answers={"/": redirect("http://pub\tlic.test/a")},
    ),
    Legitimate(
        "five redirects",
        "http://public.test/1",
        "/6",
        answers={f"/{n}": redirect(f"/{n + 1}") for n in range(1, 6)},
    ),
]
