"""What a word of a receipt most likely is, by plain rules on its text, its line and its place."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

_AMOUNT = re.compile(r"^\W*(?:RM|USD|EUR)?\W*\d[\d,.]*[.,]\d{2}\D{0,2}$", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}[/.-](?:\d{1,2}|[A-Z]{3})[/.-]\d{2,4}", re.IGNORECASE)
_SPELT_DATE = re.compile(
    r"\b\d{1,2}\W*(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*\W*\d{2,4}\b"
    r"|\b(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*\W+\d{1,2}\W+\d{4}\b",
    re.IGNORECASE,
)
_TIME = re.compile(r"^\W*\d{1,2}:\d{2}(?::\d{2})?(?:[AP]M)?\W*$", re.IGNORECASE)
_WEBSITE = re.compile(r"https?://|^www\.|\.(?:com|net|org|my|example)(?:/|\W*$)", re.IGNORECASE)
_TELEPHONE = re.compile(r"\b(?:TEL|PHONE|PH|FAX|HOTLINE)\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d{3,}\W?\d*")
_HOURS = re.compile(r"\b(?:OPEN|HOURS|MON|DAILY)\b.*\d", re.IGNORECASE)
_LOYALTY = re.compile(r"\b(?:MEMBER|LOYALTY|POINTS|REWARDS)\b", re.IGNORECASE)
_COUNT = re.compile(r"^[X@]?\d{1,3}[X@]?$", re.IGNORECASE)
_TIMES = re.compile(r"^\W*(?:X|@)", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_CURRENCY = re.compile(r"\b(?:RM|USD|EUR|MYR)\b|[$€£]", re.IGNORECASE)
_CODE = re.compile(r"^\W*(?=\w*\d)[\w-]{8,}\W*$")
_METHODS = re.compile(
    r"^(?:CASH|VISA|MASTERCARD|MASTER|AMEX|DEBIT|CREDIT|CARD|PAYPAL)\W*$", re.IGNORECASE
)
_STREET = re.compile(
    r"\b(?:JALAN|JLN|TAMAN|LOT|LORONG|KAWASAN|BANDAR|PERSIARAN|SEKSYEN|NO|STREET|ST|ROAD|RD|"
    r"AVENUE|AVE|BOULEVARD|BLVD|LANE|FLOOR|SUITE|SELANGOR|JOHOR|KUALA|LUMPUR)\b|\b\d{5}\b",
    re.IGNORECASE,
)
_HEADING_ENDS = re.compile(
    r"\b(?:TEL|PHONE|FAX|INVOICE|RECEIPT|BILL|CASHIER|GST|ITEM|QTY|DATE)\b", re.IGNORECASE
)
# What an amount is, by the first of these that the words before it have; None is nothing we name.
_CAPTIONS: Sequence[tuple[str | None, re.Pattern[str]]] = (
    ("SUBTOTAL", re.compile(r"\bSUB\W?TOTAL\b", re.IGNORECASE)),
    ("CASH_BACK", re.compile(r"\bCASH\W?BACK\b", re.IGNORECASE)),
    ("REFUND", re.compile(r"\bREFUND", re.IGNORECASE)),
    ("CHANGE", re.compile(r"\bCHANGE\b", re.IGNORECASE)),
    ("TIP", re.compile(r"\b(?:TIP|GRATUITY)\b", re.IGNORECASE)),
    ("COUPON", re.compile(r"\b(?:COUPON|VOUCHER)\b", re.IGNORECASE)),
    ("DISCOUNT", re.compile(r"\bDISC(?:OUNT)?\b", re.IGNORECASE)),
    ("GRAND_TOTAL", re.compile(r"\b(?:TOTAL|AMOUNT|BALANCE|NETT?|DUE)\b", re.IGNORECASE)),
    ("TAX", re.compile(r"\b(?:TAX|GST|VAT|SST)\b", re.IGNORECASE)),
    (None, re.compile(r"\b(?:CASH|VISA|CARD|TENDER|PAID|ROUNDING|QTY|SUMMARY)\b", re.IGNORECASE)),
)
_CAPTION_REACH = 2  # a scan often puts the amount on a line of its own
_LONGEST_HEADING = 9


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The lines of a receipt from the top, and its merchant where that is known."""

    lines: Sequence[str]
    merchant: str | None = None

    @cached_property
    def heading(self) -> int:
        """How many lines say who the merchant is and where."""
        named = (n for n, line in enumerate(self.lines) if n and _HEADING_ENDS.search(line))
        return min(next(named, _LONGEST_HEADING), _LONGEST_HEADING, len(self.lines))

    @cached_property
    def totals(self) -> int:
        """Where the totals begin, and the goods end."""
        found = (n for n, line in enumerate(self.lines) if _caption(line) in _TOTALS)
        return next((n for n in found if n >= self.heading), len(self.lines))

    @cached_property
    def name(self) -> frozenset[str]:
        """The words of the merchant's name; of the first line where it is not known."""
        return _plain(self.merchant or (self.lines[0] if self.lines else ""))


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word, the index of its line, and what follows it on that line."""

    text: str
    line: int
    after: str
    receipt: Receipt

    @property
    def beside(self) -> str:
        """Its line."""
        return self.receipt.lines[self.line]

    @property
    def is_amount(self) -> bool:
        """Whether it looks like money."""
        return _AMOUNT.match(self.text) is not None

    @property
    def is_among_goods(self) -> bool:
        """Whether its line is between the heading and the totals."""
        return self.receipt.heading <= self.line < self.receipt.totals

    @cached_property
    def caption(self) -> str | None:
        """The label that the words before an amount give it."""
        above = reversed(self.receipt.lines[max(0, self.line - _CAPTION_REACH) : self.line + 1])
        return next((_caption(line) for line in above if _speaks(line)), None)


def best_label(word: Word) -> str | None:
    """The label of the first rule that fits, if any does."""
    if word.is_amount and word.caption:
        return word.caption
    return next((label for label, fits in _RULES if fits(word)), None)


def _caption(line: str) -> str | None:
    return next((label for label, pattern in _CAPTIONS if pattern.search(line)), None)


def _speaks(line: str) -> bool:
    """Whether a line has words, and not only an amount and its currency."""
    return _LETTERS.search(_CURRENCY.sub("", line)) is not None


def _plain(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.upper()))


def _is_date(word: Word) -> bool:
    spelt = _SPELT_DATE.search(word.beside)
    return bool(_DATE.search(word.text) or (spelt and word.text.strip("., ") in spelt[0]))


def _is_telephone(word: Word) -> bool:
    return bool(_TELEPHONE.search(word.beside) and _NUMBER.search(word.text))


def _is_payment_method(word: Word) -> bool:
    return bool(_METHODS.match(word.text)) and word.line >= word.receipt.heading


def _is_merchant(word: Word) -> bool:
    words = _plain(word.text)
    named = len(_plain(word.beside) & word.receipt.name) * 2 > len(_plain(word.beside))
    return named and bool(words) and words <= word.receipt.name


def _is_address(word: Word) -> bool:
    """In the heading, on a line with an address's words or between the first and last of them."""
    streets = [n for n in range(1, word.receipt.heading) if _STREET.search(word.receipt.lines[n])]
    return bool(streets) and streets[0] <= word.line <= streets[-1]


def _is_quantity(word: Word) -> bool:
    return word.is_among_goods and bool(_COUNT.match(word.text))


def _is_unit_price(word: Word) -> bool:
    if not (word.is_among_goods and word.is_amount):
        return False
    before = word.beside[: len(word.beside) - len(word.after)]
    priced = word.text.startswith("@") or re.search(r"(?:\bX|@)\s*\S+\s*$", before, re.IGNORECASE)
    return bool(priced or _AMOUNT.match(word.after.split()[0] if word.after.split() else ""))


def _is_line_total(word: Word) -> bool:
    return word.is_among_goods and word.is_amount


def _is_product(word: Word) -> bool:
    named = _LETTERS.search(word.text) and not _CODE.match(word.text)
    below = word.receipt.lines[word.line : word.line + 1 + _CAPTION_REACH]
    priced = any(_AMOUNT.match(part) for line in below for part in line.split())
    return bool(named) and word.is_among_goods and priced


_TOTALS = frozenset(("SUBTOTAL", "GRAND_TOTAL", "TAX"))
_RULES: Sequence[tuple[str, Callable[[Word], bool]]] = (
    ("TIME", lambda word: bool(_TIME.match(word.text))),
    ("DATE", _is_date),
    ("WEBSITE", lambda word: bool(_WEBSITE.search(word.text))),
    ("PHONE_NUMBER", _is_telephone),
    ("STORE_HOURS", lambda word: bool(_HOURS.search(word.beside))),
    ("LOYALTY_ID", lambda w: bool(_LOYALTY.search(w.beside) and _NUMBER.search(w.text))),
    ("PAYMENT_METHOD", _is_payment_method),
    ("MERCHANT_NAME", _is_merchant),
    ("ADDRESS_LINE", _is_address),
    ("QUANTITY", _is_quantity),
    ("UNIT_PRICE", _is_unit_price),
    ("LINE_TOTAL", _is_line_total),
    ("PRODUCT_NAME", _is_product),
)
