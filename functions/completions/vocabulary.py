"""The flow's closed sets of words, as they stand in the table."""

from enum import StrEnum


class ValidationStatus(StrEnum):
    """How a label stands."""

    NONE = "NONE"
    PENDING = "PENDING"
    VALID = "VALID"
    INVALID = "INVALID"
    NEEDS_REVIEW = "NEEDS_REVIEW"


class BatchStatus(StrEnum):
    """How a batch stands; the last four are ends."""

    SUBMITTING = "SUBMITTING"
    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class BatchType(StrEnum):
    """What a batch is for."""

    COMPLETION = "COMPLETION"


class Outcome(StrEnum):
    """Where a target of a batch ended."""

    VALID = "VALID"
    INVALID = "INVALID"
    NEEDS_REVIEW = "NEEDS_REVIEW"
    SUPERSEDED = "SUPERSEDED"
    """Somebody else changed the label meanwhile: it was left alone."""
    UNANSWERED = "UNANSWERED"
    """Back to NONE, to be asked again."""


class CoreLabel(StrEnum):
    """What a word of a receipt can be."""

    MERCHANT_NAME = "MERCHANT_NAME"
    STORE_HOURS = "STORE_HOURS"
    PHONE_NUMBER = "PHONE_NUMBER"
    WEBSITE = "WEBSITE"
    LOYALTY_ID = "LOYALTY_ID"
    ADDRESS_LINE = "ADDRESS_LINE"
    DATE = "DATE"
    TIME = "TIME"
    PAYMENT_METHOD = "PAYMENT_METHOD"
    COUPON = "COUPON"
    DISCOUNT = "DISCOUNT"
    PRODUCT_NAME = "PRODUCT_NAME"
    QUANTITY = "QUANTITY"
    UNIT_PRICE = "UNIT_PRICE"
    LINE_TOTAL = "LINE_TOTAL"
    SUBTOTAL = "SUBTOTAL"
    TAX = "TAX"
    GRAND_TOTAL = "GRAND_TOTAL"
    TIP = "TIP"
    CHANGE = "CHANGE"
    CASH_BACK = "CASH_BACK"
    REFUND = "REFUND"
