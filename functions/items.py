"""Items of the tables, read into models: one that is not what its key says is refused."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from functions.errors import InvalidItemError
from functions.excerpts import excerpt

Model = TypeVar("Model", bound=BaseModel)

_MOST_CHARACTERS = 400


def read_item(model: type[Model], item: Mapping[str, Any], **more: Any) -> Model:
    """The model of an item; InvalidItemError has its key and what is wrong, and no value."""
    try:
        return model.model_validate({**item, **more})
    except ValidationError as error:
        wrong = ", ".join(
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()
        )
        name = model.__name__.removeprefix("_")
        raise InvalidItemError(excerpt(f"{key_of(item)} is no {name}: {wrong}")) from None


def key_of(item: Mapping[str, Any]) -> str:
    """An item's key, for a log line; the tables spell it in small letters or in capitals."""
    key = " ".join(str(item.get(name, item.get(name.upper()))) for name in ("pk", "sk"))
    # Ours have half as many at most, and DynamoDB takes three thousand.
    return excerpt(key, _MOST_CHARACTERS)
