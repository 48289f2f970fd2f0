"""One spelling for each phone number, so that two spellings of one line are not two clients."""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

_TYPED = re.compile(r" *\+[0-9(][0-9 ()./\u00a0\u202f\u2010-\u2013-]{3,40}")
"""Plus, digits, and what people put between them; blanks and dashes of several kinds come from copied text."""
_TRUNK = re.compile(r"\(0\)")
_LONGEST = 15
"""Digits of a whole number (E.164, 6.2.1)."""

_FAULTS = {
    ValidationResult.TOO_SHORT: "has too few digits for its country",
    ValidationResult.TOO_LONG: "has too many digits for its country",
    ValidationResult.INVALID_LENGTH: "has a number of digits that its country does not use",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks the area code",
    ValidationResult.INVALID_COUNTRY_CODE: "begins with a country code that does not exist",
}


def spelled(number: str) -> str:
    """`number`, typed in the international form (`+49 (30) 123-456`), in E.164: `+4930123456`.

    It has to be possible in its country: whether somebody answers is not looked at, because new ranges of numbers are
    in use before any list knows them. Raises ValueError with what the number is or lacks.
    """
    if not _TYPED.fullmatch(number):
        raise ValueError("is not in the international form, such as +1 403 555 0123")
    digits = re.sub(r"[^0-9]", "", _TRUNK.sub("", number))
    try:
        parsed = phonenumbers.parse(f"+{digits}")
    except NumberParseException as error:
        known = error.error_type == NumberParseException.INVALID_COUNTRY_CODE
        reason = ValidationResult.INVALID_COUNTRY_CODE if known else ValidationResult.TOO_LONG
        raise ValueError(_FAULTS[reason]) from None
    verdict = phonenumbers.is_possible_number_with_reason(parsed)
    if verdict != ValidationResult.IS_POSSIBLE:
        raise ValueError(_FAULTS[verdict])
    found = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    if len(found) > _LONGEST + 1:
        raise ValueError(_FAULTS[ValidationResult.TOO_LONG])
    return found
