"""URLs that are refused before anybody is asked or reached, first or in a redirect."""

from tests.functions.clients.web_server import redirect
from tests.functions.download_guard.cases import URL, Refused

NO_SCHEME, CREDENTIALS = "neither http nor https", "it has credentials"
NO_URL = "a redirect to what is not a URL"
TRICKS = "whitespace, a control character or a backslash"

URLS = [
    ("a file", "file:///etc/passwd", NO_SCHEME),
    ("FTP", "ftp://public.test/a", NO_SCHEME),
    ("gopher", "gopher://public.test:80/_GET", NO_SCHEME),
    ("dict", "dict://public.test:11211/stat", NO_SCHEME),
    ("LDAP", "ldap://public.test/", NO_SCHEME),
    ("a script", "javascript:alert(1)", NO_SCHEME),
    ("data", "data:text/html,hello", NO_SCHEME),
    ("S3", "s3://bucket/key", NO_SCHEME),
    ("a Unix socket", "http+unix://%2Frun%2Fdocker.sock/info", NO_SCHEME),
    ("a WebSocket", "wss://public.test/", NO_SCHEME),
    ("an archive's member", "jar:http://public.test!/", NO_SCHEME),
    ("a user", "http://user@public.test/", CREDENTIALS),
    ("a user and a password", "https://user:hunter2@public.test/", CREDENTIALS),
    ("no user before the sign", "http://@public.test/", CREDENTIALS),
    ("a host that is a user", "http://public.test@127.0.0.1/", CREDENTIALS),
    ("a host and port that are a user", "http://public.test:80@10.1.2.3/", CREDENTIALS),
    ("a user twice", "http://a@b@public.test/", CREDENTIALS),
    ("the port of SSH", "http://public.test:22/", "port 22 is not allowed"),
    ("the port of SMTP", "http://public.test:25/", "port 25 is not allowed"),
    ("the port of Redis", "http://public.test:6379/", "port 6379 is not allowed"),
    ("the port of Lambda's own API", "http://public.test:9001/", "port 9001 is not allowed"),
    ("another port of the web", "https://public.test:8443/", "port 8443 is not allowed"),
    ("port zero", "http://public.test:0/", "port 0 is not allowed"),
    ("a port too high", "http://public.test:65616/", "port 65616 is not allowed"),
    ("a port that wraps around", "http://public.test:4294967376/", "host and port cannot be read"),
    ("a negative port", "http://public.test:-80/", "host and port cannot be read"),
    ("a port in other digits", "http://public.test:\u0668\u0660/", "host and port cannot be read"),
    ("a named port", "http://public.test:http/", "host and port cannot be read"),
    ("two ports", "http://public.test:80:80/", "host and port cannot be read"),
    ("a backslash for a slash", "http://public.test\\@127.0.0.1/", TRICKS),
    ("a line break", "http://public.test/\r\nHost: inside", TRICKS),
    ("a NUL", "http://public.test\0.inside/", TRICKS),
    ("a zone", "http://[fe80::1%25eth0]/", "has a zone"),
    ("a percent sign in the host", "http://public%2etest/", "is not a name"),
    ("two dots in the host", "http://public..test/", "is not a name"),
    ("a number too large", "http://4294967296/", "a number and not an address"),
    ("an octal number that is none", "http://0189.0.0.1/", "a number and not an address"),
    ("five parts", "http://127.0.0.0.1/", "a number and not an address"),
    ("a name that ends in a number", "http://public.127/", "a number and not an address"),
]

# In a redirect these are parts of a path, or get another answer.
FIRST_ONLY = [
    ("nothing", "", NO_SCHEME),
    ("a long s in http", "http\u017f://public.test/", NO_SCHEME),
    ("no scheme", "public.test/a", NO_SCHEME),
    ("only slashes", "//public.test/", NO_SCHEME),
    ("no host", "http:///a", "its host is missing"),
    ("no slashes", "http:public.test", "its host is missing"),
    ("a bracket left open", "http://[::1/", "host and port cannot be read"),
    ("a name in brackets", "http://[public.test]/", "IPv6 address cannot be read"),
    ("a host of a character that is five", "http://\u2100.test/", "not a valid international name"),
    ("a tab in the host", "http://pub\tlic.test/", TRICKS),
    ("a space before it", " http://public.test/", TRICKS),
    ("a URL too long", f"http://public.test/{'a' * 2048}", "longer than 2048 characters"),
]
# What only a redirect can say.
REDIRECTED_ONLY = [
    ("a bracket left open", "http://[::1/", NO_URL),
    ("a name in brackets", "http://[public.test]/", NO_URL),
    ("a host of a character that is five", "http://\u2100.test/", NO_URL),
    ("a user before a host alone", "//user@public.test/", CREDENTIALS),
    ("another port of a host alone", "//public.test:8080/", "port 8080 is not allowed"),
    ("a URL too long", f"/{'a' * 8192}", "longer than 8192 characters"),
    ("a control character", "http://public.test/\x85", TRICKS),
]
# No server can send these in a header.
_UNSENDABLE = ("a line break", "a NUL")


def _as_sent(url: str) -> str:
    return url.encode().decode("latin-1")


CASES = [
    *(Refused(f"{what}, first", url, URL, why) for what, url, why in URLS + FIRST_ONLY),
    *(
        Refused(f"{what}, in a redirect", "http://public.test/", URL, why, redirect(_as_sent(url)))
        for what, url, why in URLS + REDIRECTED_ONLY
        if what not in _UNSENDABLE
    ),
]
