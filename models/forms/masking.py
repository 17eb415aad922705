"""Personal values anywhere in what is shown, masked as in lists."""

import re
from collections.abc import Callable, Mapping

from models.forms import identity

_BY_FIELD: Mapping[str, Callable[[str], str]] = {
    "name": identity.mask_name,
    "correct_name": identity.mask_name,
    "id_number": identity.mask_id_number,
    "account_no": identity.mask_account_no,
    "phone": identity.mask_phone,
}
# What people write may hold an id, an account or a phone; our own numbers have letters and hyphens between.
_LONG_NUMBER = re.compile(r"(?<![0-9A-Za-z-])[0-9]{8,}[Xx]?(?![0-9A-Za-z-])")


def masked(value: object, field: str = "") -> object:
    """A copy of what JSON holds: fields of persons by their name, long numbers in any other text."""
    if isinstance(value, dict):
        return {key: masked(each, str(key)) for key, each in value.items()}
    if isinstance(value, list):
        return [masked(each, field) for each in value]
    if not isinstance(value, str):
        return value
    if mask := _BY_FIELD.get(field):
        return mask(value)
    return _LONG_NUMBER.sub(lambda found: identity.mask_account_no(found.group()), value)
