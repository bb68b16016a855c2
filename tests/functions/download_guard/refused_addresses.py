"""Addresses that no download may reach, in every spelling and by every way that leads there."""

from tests.functions.clients.web_server import redirect
from tests.functions.download_guard.cases import ADDRESS, Refused
from tests.functions.download_guard.internet import PUBLIC

# What it is, how the URL spells it, and the reason that is given.
SPELLINGS = [
    ("loopback, dotted", "127.0.0.1", "127.0.0.1 is loopback"),
    ("loopback, another of the network", "127.255.255.254", "127.255.255.254 is loopback"),
    ("loopback, trailing dot", "127.0.0.1.", "127.0.0.1 is loopback"),
    ("loopback, decimal", "2130706433", "127.0.0.1 is loopback"),
    ("loopback, octal", "0177.0.0.01", "127.0.0.1 is loopback"),
    ("loopback, one octal number", "017700000001", "127.0.0.1 is loopback"),
    ("loopback, hex", "0x7f000001", "127.0.0.1 is loopback"),
    ("loopback, dotted hex", "0x7f.0x0.0x0.0x1", "127.0.0.1 is loopback"),
    ("loopback, short", "127.1", "127.0.0.1 is loopback"),
    ("loopback, three parts", "127.0.1", "127.0.0.1 is loopback"),
    ("loopback, all forms at once", "0177.0x1", "127.0.0.1 is loopback"),
    ("loopback, full-width digits", "\uff11\uff12\uff17.\uff10.\uff10.\uff11", "is loopback"),
    ("loopback, ideographic dots", "127\u30020\u30020\u30021", "127.0.0.1 is loopback"),
    ("loopback, IPv6", "[::1]", "::1 is loopback"),
    ("loopback, IPv6 in full", "[0:0:0:0:0:0:0:1]", "::1 is loopback"),
    ("loopback, IPv4-mapped", "[::ffff:127.0.0.1]", "is IPv4-mapped"),
    ("loopback, IPv4-mapped in hex", "[::ffff:7f00:1]", "is IPv4-mapped"),
    ("loopback, IPv4-compatible", "[::127.0.0.1]", "is IPv4-compatible"),
    ("loopback, NAT64", "[64:ff9b::127.0.0.1]", "is NAT64 of 127.0.0.1, loopback"),
    ("loopback, 6to4", "[2002:7f00:1::]", "is 6to4"),
    ("loopback, its name", "localhost", "localhost is loopback"),
    ("loopback, its name otherwise", "LocalHost.", "localhost is loopback"),
    ("loopback, below its name", "app.localhost", "app.localhost is loopback"),
    ("link-local, dotted", "169.254.1.1", "169.254.1.1 is link-local"),
    ("link-local, decimal", "2851995905", "169.254.1.1 is link-local"),
    ("link-local, octal", "0251.0376.01.01", "169.254.1.1 is link-local"),
    ("link-local, hex", "0xa9fe0101", "169.254.1.1 is link-local"),
    ("link-local, short", "169.254.257", "169.254.1.1 is link-local"),
    ("link-local, IPv6", "[fe80::1]", "fe80::1 is link-local"),
    ("link-local, IPv4-mapped", "[::ffff:169.254.1.1]", "is IPv4-mapped"),
    ("private, dotted", "10.1.2.3", "10.1.2.3 is private"),
    ("private, 172", "172.31.255.255", "172.31.255.255 is private"),
    ("private, 192", "192.168.0.1", "192.168.0.1 is private"),
    ("private, decimal", "167838211", "10.1.2.3 is private"),
    ("private, octal", "012.01.02.03", "10.1.2.3 is private"),
    ("private, hex", "0xA010203", "10.1.2.3 is private"),
    ("private, short", "10.66051", "10.1.2.3 is private"),
    ("private, IPv6", "[fd12:3456::1]", "fd12:3456::1 is private"),
    ("private, site-local IPv6", "[fec0::1]", "fec0::1 is site-local"),
    ("private, IPv4-mapped", "[::ffff:10.1.2.3]", "is IPv4-mapped"),
    ("private, NAT64", "[64:ff9b::a01:203]", "is NAT64 of 10.1.2.3, private"),
    ("private, local NAT64", "[64:ff9b:1::10.1.2.3]", "is local NAT64"),
    ("carrier-grade, dotted", "100.64.0.1", "100.64.0.1 is carrier-grade NAT"),
    ("carrier-grade, decimal", "1681915905", "100.64.0.1 is carrier-grade NAT"),
    ("carrier-grade, octal", "0144.0100.0.1", "100.64.0.1 is carrier-grade NAT"),
    ("carrier-grade, hex", "0x64.0x40.0.1", "100.64.0.1 is carrier-grade NAT"),
    ("carrier-grade, short", "100.64.1", "100.64.0.1 is carrier-grade NAT"),
    ("carrier-grade, IPv4-mapped", "[::ffff:100.64.0.1]", "is IPv4-mapped"),
    ("multicast, dotted", "224.0.0.1", "224.0.0.1 is multicast"),
    ("multicast, decimal", "4026531839", "239.255.255.255 is multicast"),
    ("multicast, octal", "0340.0.0.01", "224.0.0.1 is multicast"),
    ("multicast, hex", "0xe0000001", "224.0.0.1 is multicast"),
    ("multicast, short", "224.1", "224.0.0.1 is multicast"),
    ("multicast, IPv6", "[ff02::1]", "ff02::1 is multicast"),
    ("multicast, IPv4-mapped", "[::ffff:224.0.0.1]", "is IPv4-mapped"),
    ("unspecified, dotted", "0.0.0.0", "0.0.0.0 is unspecified"),  # noqa: S104 - nothing binds
    ("unspecified, decimal", "0", "0.0.0.0 is unspecified"),
    ("unspecified, octal", "00", "0.0.0.0 is unspecified"),
    ("unspecified, hex", "0x0", "0.0.0.0 is unspecified"),
    ("unspecified, short", "0.1", "0.0.0.1 is unspecified"),
    ("unspecified, IPv6", "[::]", ":: is unspecified"),
    ("unspecified, IPv4-mapped", "[::ffff:0.0.0.0]", "is IPv4-mapped"),
    ("metadata, dotted", "169.254.169.254", "169.254.169.254 is link-local"),
    ("metadata, decimal", "2852039166", "169.254.169.254 is link-local"),
    ("metadata, octal", "0251.0376.0251.0376", "169.254.169.254 is link-local"),
    ("metadata, hex", "0xa9fea9fe", "169.254.169.254 is link-local"),
    ("metadata, short", "169.16689662", "169.254.169.254 is link-local"),
    ("metadata, IPv6", "[fd00:ec2::254]", "fd00:ec2::254 is private"),
    ("metadata, IPv4-mapped", "[::ffff:a9fe:a9fe]", "is IPv4-mapped"),
    ("metadata, NAT64", "[64:ff9b::a9fe:a9fe]", "is NAT64 of 169.254.169.254, link-local"),
    ("metadata, of a container", "169.254.170.2", "169.254.170.2 is link-local"),
    ("metadata, another cloud's", "100.100.100.200", "100.100.100.200 is carrier-grade NAT"),
    ("reserved, broadcast", "255.255.255.255", "255.255.255.255 is broadcast"),
    ("reserved, class E", "240.0.0.1", "240.0.0.1 is reserved"),
    ("reserved, benchmarking", "198.18.0.1", "198.18.0.1 is benchmarking"),
    ("reserved, documentation", "203.0.113.7", "203.0.113.7 is documentation"),
    ("reserved, Teredo", "[2001::1]", "2001::1 is Teredo"),
    ("reserved, outside global unicast", "[4000::1]", "4000::1 is outside global unicast"),
]

# What a name server may answer, and the reason that is given.
ANSWERS = [
    ("loopback", "127.0.0.1", "127.0.0.1 is loopback"),
    ("loopback of version 6", "::1", "::1 is loopback"),
    ("link-local", "169.254.1.1", "169.254.1.1 is link-local"),
    ("link-local with a zone", "fe80::1%eth0", "fe80::1%eth0 is bound to a zone"),
    ("private", "10.1.2.3", "10.1.2.3 is private"),
    ("private of version 6", "fd12:3456::1", "fd12:3456::1 is private"),
    ("carrier-grade", "100.64.0.1", "100.64.0.1 is carrier-grade NAT"),
    ("multicast", "224.0.0.1", "224.0.0.1 is multicast"),
    ("unspecified", "0.0.0.0", "0.0.0.0 is unspecified"),  # noqa: S104 - nothing binds
    ("metadata", "169.254.169.254", "169.254.169.254 is link-local"),
    ("metadata of version 6", "fd00:ec2::254", "fd00:ec2::254 is private"),
    ("IPv4-mapped", "::ffff:169.254.169.254", "is IPv4-mapped"),
    ("NAT64", "64:ff9b::10.1.2.3", "is NAT64 of 10.1.2.3, private"),
    ("no address", "inside", "'inside' is not an address"),
    ("a short form", "127.1", "'127.1' is not an address"),
]

CASES = [
    *(
        Refused(f"{what}, in the URL", f"http://{host}/", ADDRESS, why)
        for what, host, why in SPELLINGS
    ),
    *(
        Refused(
            f"{what}, in a redirect",
            "https://public.test/",
            ADDRESS,
            why,
            # As browsers and servers do: what is not ASCII goes out as UTF-8.
            redirect(f"http://{host}/secret".encode().decode("latin-1")),
        )
        for what, host, why in SPELLINGS
    ),
    *(
        Refused(
            f"{what}, behind a name",
            "http://inside.test/",
            ADDRESS,
            why,
            names={"inside.test": [[answer]]},
        )
        for what, answer, why in ANSWERS
    ),
    *(
        Refused(
            f"{what}, second of a name's addresses",
            "http://mixed.test/",
            ADDRESS,
            why,
            names={"mixed.test": [[PUBLIC, answer]]},
        )
        for what, answer, why in ANSWERS
    ),
    *(
        Refused(
            f"{what}, when a name is asked for a second time",
            "http://rebound.test/",
            ADDRESS,
            why,
            redirect("/again"),
            names={"rebound.test": [[PUBLIC], [answer]]},
        )
        for what, answer, why in ANSWERS
    ),
    *(
        Refused(
            f"{what}, behind a name in a redirect",
            "https://public.test/",
            ADDRESS,
            why,
            redirect("//inside.test/"),
            names={"inside.test": [[answer]]},
        )
        for what, answer, why in ANSWERS
    ),
]
