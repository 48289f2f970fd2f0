"""Money as integers: an amount in minor units (ISO 4217 exponent) and a currency code. No floats anywhere."""

from dataclasses import dataclass

MAX_AMOUNT = 10**12
"""Ten billion in a two-digit currency: far above any order, far below what BIGINT holds."""

WITHOUT_DIGITS = tuple("bif clp djf gnf isk jpy kmf krw pyg rwf ugx vnd vuv xaf xof xpf".split())
WITH_THREE_DIGITS = tuple("bhd iqd jod kwd lyd omr tnd".split())
_EXPONENTS = dict.fromkeys(WITHOUT_DIGITS, 0) | dict.fromkeys(WITH_THREE_DIGITS, 3)
"""Digits after the point, where ISO 4217 says other than two."""


def digits(currency: str) -> int:
    """How many digits after the point amounts of `currency` (lower case) have."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` in minor units of `currency` (lower-case ISO 4217, as Stripe writes it)."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if abs(self.amount) > MAX_AMOUNT:
            raise ValueError("amount is out of range")

    def __str__(self) -> str:
        """For people: `129.00 CAD`."""
        places = digits(self.currency)
        whole, rest = divmod(abs(self.amount), 10**places)
        point = f".{rest:0{places}}" if places else ""
        return f"{'-' if self.amount < 0 else ''}{whole}{point} {self.currency.upper()}"
