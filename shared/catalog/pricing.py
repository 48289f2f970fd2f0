"""From rules and a request to a priced estimate. Pure: no database, no clock, exact decimals.

    base + inputs, x multipliers, + add-ons, up to the minimum = subtotal;  - discount;  + each tax = total

Multipliers are for the service itself, not for add-ons; each takes what the one before it left. The discount is off the
whole subtotal, the minimum charge included: who is promised 15 % gets 15 %. Each tax is on subtotal - discount.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from shared.catalog.rules import (
    AddonRules,
    AppliesTo,
    ChoiceInput,
    Effort,
    Frequency,
    Multiplier,
    NumberInput,
    Product,
    ServiceRules,
    Tax,
    Terms,
)
from shared.catalog.sheet import Explanation, Line, Sheet, round_half_up, round_up, written

_EXACT = Context(prec=200)
"""More digits than the longest product of the longest numbers of a book has: nothing is rounded unseen."""


@dataclass(frozen=True, slots=True)
class Extra:
    """So many of an add-on."""

    product: Product
    rules: AddonRules
    quantity: int


@dataclass(frozen=True, slots=True)
class TaxLine:
    name: str
    percent: str
    amount: int


@dataclass(frozen=True, slots=True)
class Priced:
    """A worked-out price in minor units of the book's currency, and how it came about."""

    lines: Sequence[Line]
    taxes: Sequence[TaxLine]
    explain: Sequence[Explanation]
    minutes: int
    crew_size: int
    subtotal: int
    discount: int

    @property
    def tax(self) -> int:
        return sum(tax.amount for tax in self.taxes)

    @property
    def total(self) -> int:
        return self.subtotal - self.discount + self.tax


def price(
    service: Product,
    rules: ServiceRules,
    terms: Terms,
    *,
    inputs: Mapping[str, Decimal | str],
    extras: Sequence[Extra],
    frequency: Frequency,
) -> Priced:
    """Work out the price. `inputs` has a fitting value for each input of `rules`."""
    with localcontext(_EXACT):
        sheet = Sheet(terms.currency)
        sheet.add(f"{service.key}.base", service.name, None, rules.base)
        for name in sorted(rules.inputs):
            _add_input(sheet, f"{service.key}.inputs.{name}", rules.inputs[name], inputs[name])
        for multiplier in rules.multipliers:
            _multiply(sheet, f"{service.key}.multipliers.{multiplier.name}", multiplier, str(inputs[multiplier.input]))
        for extra in sorted(extras, key=lambda each: each.product.key):
            _add_extra(sheet, extra)
        _fill_up(sheet, f"{service.key}.minimum", rules.minimum)
        return _settle(sheet, service, rules, terms, frequency)


def _add_input(sheet: Sheet, rule: str, of: NumberInput | ChoiceInput, value: Decimal | str) -> None:
    if isinstance(of, ChoiceInput):
        sheet.add(rule, of.name, value, of.choices[str(value)])
        return
    assert isinstance(value, Decimal)
    included = of.tiers[0].start
    total, parts = Effort(Decimal(0), Decimal(0)), [f"{written(included)} included"] if included else []
    ends = [tier.start for tier in of.tiers[1:]] + [value]
    for tier, end in zip(of.tiers, ends, strict=True):
        units = min(value, end) - tier.start
        if units > 0:
            total = Effort(total.price + units * tier.each.price, total.minutes + units * tier.each.minutes)
            parts.append(f"{written(units)} at {tier.each.price} and {written(tier.each.minutes)} min each")
    sheet.add(rule, of.name, value, total, ", ".join(parts))


def _multiply(sheet: Sheet, rule: str, multiplier: Multiplier, choice: str) -> None:
    """What is on the sheet so far, times the factor of the choice."""
    factor, subtotal, minutes = multiplier.factors[choice], sheet.subtotal, sheet.minutes
    applies_to = multiplier.applies_to
    change = Effort(
        sheet.major(subtotal) * (factor - 1) if applies_to is not AppliesTo.MINUTES else Decimal(0),
        minutes * (factor - 1) if applies_to is not AppliesTo.PRICE else Decimal(0),
    )
    of = {AppliesTo.PRICE: sheet.money(subtotal), AppliesTo.MINUTES: f"{written(minutes)} min"}
    of[AppliesTo.BOTH] = " and ".join(of.values())
    sheet.add(rule, multiplier.name, choice, change, f"{of[applies_to]} times {written(factor)}")


def _add_extra(sheet: Sheet, extra: Extra) -> None:
    each, quantity = extra.rules.each, extra.quantity
    why = f"{quantity} at {each.price} and {written(each.minutes)} min each"
    effort = Effort(quantity * each.price, quantity * each.minutes)
    sheet.add(f"addons.{extra.product.key}", extra.product.name, Decimal(quantity), effort, why)


def _fill_up(sheet: Sheet, rule: str, minimum: Decimal) -> None:
    """The minimum charge is a line of its own, of what is missing."""
    missing = minimum - sheet.major(sheet.subtotal)
    if missing > 0:
        why = f"{sheet.money(sheet.subtotal)} up to the minimum of {minimum}"
        sheet.add(rule, "minimum charge", None, Effort(missing, Decimal(0)), why)


def _settle(sheet: Sheet, service: Product, rules: ServiceRules, terms: Terms, frequency: Frequency) -> Priced:
    """Discount, taxes, whole minutes, crew."""
    subtotal, discount = sheet.subtotal, _discount(sheet, terms, frequency)
    taxes = [_tax(sheet, tax, subtotal - discount) for tax in terms.taxes]
    minutes = round_up(sheet.minutes)
    crew_size = [step.size for step in rules.crew if step.from_minutes <= minutes][-1]
    if minutes != sheet.minutes:
        sheet.note(f"{service.key}.minutes", written(sheet.minutes), f"{minutes} min (rounded up)")
    sheet.note(f"{service.key}.crew", str(minutes), f"crew of {crew_size}")
    return Priced(sheet.lines, taxes, sheet.explain, minutes, crew_size, subtotal, discount)


def _discount(sheet: Sheet, terms: Terms, frequency: Frequency) -> int:
    percent = terms.discounts.get(frequency, Decimal(0))
    amount = round_half_up(sheet.subtotal * percent / 100)
    if percent:
        effect = f"{sheet.signed(-amount)} ({written(percent)} % of {sheet.money(sheet.subtotal)})"
        sheet.note(f"frequency_discounts.{frequency}", str(frequency), effect)
    return amount


def _tax(sheet: Sheet, tax: Tax, net: int) -> TaxLine:
    amount = round_half_up(net * tax.percent / 100)
    effect = f"{sheet.signed(amount)} ({written(tax.percent)} % of {sheet.money(net)})"
    sheet.note(f"taxes.{tax.name}", sheet.money(net), effect)
    return TaxLine(tax.name, written(tax.percent), amount)
