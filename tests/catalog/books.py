"""Price books of four currencies, for the golden estimates. Small numbers, so that prices can be worked out by hand."""

from copy import deepcopy
from enum import Enum
from typing import Any

HOME: dict[str, Any] = {
    "currency": "cad",
    "services": {
        "home_cleaning": {
            "base": {"price": "80.00", "minutes": 60},
            "inputs": {
                "bedrooms": {"price": "25.00", "minutes": 30, "included": 1, "max": 20},
                "area_m2": {
                    "name": "area",
                    "tiers": [
                        {"from": 50, "price": "0.60", "minutes": "0.5"},
                        {"from": 100, "price": "0.40", "minutes": "0.4"},
                    ],
                    "default": 0,
                },
                "condition": {"choices": {"normal": {}, "heavy": {"price": "10.00", "minutes": 15}}},
            },
            "multipliers": [
                {
                    "name": "deep clean",
                    "input": "condition",
                    "values": {"normal": "1", "heavy": "1.35"},
                    "applies_to": "both",
                }
            ],
            "addons": ["oven"],
            "minimum": "99.00",
            "crew": [{"from_minutes": 0, "size": 1}, {"from_minutes": 240, "size": 2}],
        }
    },
    "addons": {"oven": {"price": "35.00", "minutes": 30, "max": 3}},
    "frequency_discounts": {"weekly": "15", "every_two_weeks": "10", "monthly": "5"},
    "taxes": [{"name": "GST", "percent": "5"}],
}

QUEBEC: dict[str, Any] = {
    "currency": "cad",
    "services": {
        "windows": {
            "base": {"price": "30.00", "minutes": 20},
            "inputs": {
                "panes": {"price": "4.15", "minutes": "3.5"},
                "storeys": {"choices": {"one": {}, "two": {"price": "12.00", "minutes": 10}}, "default": "one"},
                "access": {"choices": {"easy": {}, "hard": {}}, "default": "easy"},
                "rush": {"choices": {"no": {}, "yes": {}}, "default": "no"},
            },
            "multipliers": [
                {"name": "height", "input": "storeys", "values": {"one": "1", "two": "1.25"}, "applies_to": "price"},
                {"name": "access", "input": "access", "values": {"easy": "1", "hard": "1.5"}, "applies_to": "minutes"},
                {"name": "rush", "input": "rush", "values": {"no": "1", "yes": "1.1"}, "applies_to": "price"},
            ],
            "addons": ["screens", "sills"],
        }
    },
    "addons": {
        "screens": {"price": "8.40", "minutes": 6},
        "sills": {"price": "2.05", "minutes": "1.5"},
    },
    "frequency_discounts": {"monthly": "7.5"},
    "taxes": [{"name": "GST", "percent": "5"}, {"name": "QST", "percent": "9.975"}],
}

TOKYO: dict[str, Any] = {
    "currency": "jpy",
    "services": {
        "cleaning": {
            "base": {"price": "5000", "minutes": 60},
            "inputs": {
                "rooms": {"price": "1200", "minutes": 20, "included": 1},
                "area_m2": {"price": "33", "minutes": "0.3"},
                "season": {"choices": {"normal": {}, "december": {}}, "default": "normal"},
            },
            "multipliers": [
                {
                    "name": "end of the year",
                    "input": "season",
                    "values": {"normal": "1", "december": "1.15"},
                    "applies_to": "price",
                }
            ],
            "minimum": "8000",
        }
    },
    "addons": {},
    "frequency_discounts": {"weekly": "12.5"},
    "taxes": [{"name": "Consumption tax", "percent": "10"}],
}

KUWAIT: dict[str, Any] = {
    "currency": "kwd",
    "services": {
        "cleaning": {
            "base": {"price": "12.500", "minutes": 90},
            "inputs": {"rooms": {"price": "3.125", "minutes": 15, "included": 2}},
            "addons": ["sofa"],
        }
    },
    "addons": {"sofa": {"price": "4.750", "minutes": 25, "max": 5}},
    "frequency_discounts": {"monthly": "7.5"},
    "taxes": [{"name": "VAT", "percent": "0"}],
}

EDGES: dict[str, Any] = {
    "currency": "cad",
    "services": {
        "edges": {
            "base": {"price": "0.00", "minutes": 1},
            "inputs": {
                "units": {"price": "0.01", "minutes": 0},
                "grade": {"choices": {"cheap": {}, "plain": {}, "dear": {}}, "default": "plain"},
            },
            "multipliers": [
                {
                    "name": "grade",
                    "input": "grade",
                    "values": {"cheap": "0.5", "plain": "1", "dear": "1.005"},
                    "applies_to": "price",
                }
            ],
        }
    },
    "addons": {},
    "frequency_discounts": {"weekly": "50", "monthly": "100"},
    "taxes": [{"name": "A", "percent": "2.5"}, {"name": "B", "percent": "2.5"}],
}

ALL = {"home": HOME, "quebec": QUEBEC, "tokyo": TOKYO, "kuwait": KUWAIT, "edges": EDGES}


class _Gone(Enum):
    GONE = "gone"


GONE = _Gone.GONE
"""In place of a value: take it away."""


def changed(book: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of `book` with another value at `path` (`services/home_cleaning/crew/0/size`), or without one."""
    found = deepcopy(book)
    place, (*steps, last) = found, path.split("/")
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is GONE:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return found
