"""Estimates worked out by hand for other currencies and taxes, and where amounts are rounded.

As in `golden_homes.py`, the comment of each is its arithmetic.
"""

from typing import Any

from tests.catalog.books import EDGES, KUWAIT, QUEBEC, TOKYO
from tests.catalog.golden import Golden


def _quebec(name: str, lines: dict[str, int], taxes: tuple[int, int], total: int, minutes: int, **other: Any) -> Golden:
    given = {each: other.pop(each) for each in ("panes", "storeys", "access", "rush") if each in other}
    return Golden(f"quebec: {name}", QUEBEC, {"panes": 10} | given, lines, total, minutes, taxes, **other)


def _tokyo(name: str, lines: dict[str, int], tax: int, total: int, minutes: int, **other: Any) -> Golden:
    given = {each: other.pop(each) for each in ("rooms", "area_m2", "season") if each in other}
    return Golden(f"tokyo: {name}", TOKYO, given, lines, total, minutes, (tax,), **other)


def _kuwait(name: str, rooms: Any, lines: dict[str, int], total: int, minutes: int, **other: Any) -> Golden:
    return Golden(f"kuwait: {name}", KUWAIT, {"rooms": rooms}, lines, total, minutes, (0,), **other)


def _edge(name: str, units: Any, lines: dict[str, int], tax: int, total: int, **other: Any) -> Golden:
    """One of EDGES; both of its taxes are the same."""
    grade = {"grade": other.pop("grade")} if "grade" in other else {}
    return Golden(f"edges: {name}", EDGES, {"units": units} | grade, lines, total, 1, (tax, tax), **other)


PLACES = [
    # 30 + 10 x 4.15 = 71.50; 3.575 -> 3.58; 9.975 % = 7.132125 -> 7.13; 20 + 35
    _quebec("two taxes", {"base": 3000, "panes": 4150}, (358, 713), 8221, 55),
    # 34.15; 1.7075 -> 1.71; 3.4064625 -> 3.41; 20 + 3.5 = 23.5 -> 24
    _quebec("one pane", {"base": 3000, "panes": 415}, (171, 341), 3927, 24, panes=1),
    # 30.00; 1.50; 2.9925 -> 2.99
    _quebec("no pane", {"base": 3000}, (150, 299), 3449, 20, panes=0),
    # 2.5 x 4.15 = 10.375 -> 10.38; 40.38; 2.019 -> 2.02; 4.027905 -> 4.03; 20 + 8.75 = 28.75 -> 29
    _quebec("half a pane", {"base": 3000, "panes": 1038}, (202, 403), 4643, 29, panes="2.5"),
    # 30 + 41.50 + 12 = 83.50; x 0.25 = 20.875 -> 20.88; 104.38; 5.219 -> 5.22; 10.411905 -> 10.41; 20 + 35 + 10
    _quebec(
        "the price is multiplied",
        {"base": 3000, "panes": 4150, "storeys": 1200, "height": 2088},
        (522, 1041),
        12001,
        65,
        storeys="two",
    ),
    # as with two taxes; 55 x 1.5 = 82.5 -> 83
    _quebec("the minutes are multiplied", {"base": 3000, "panes": 4150}, (358, 713), 8221, 83, access="hard"),
    # 104.38 as above; x 0.1 = 10.438 -> 10.44; 114.82; 5.741 -> 5.74; 11.453295 -> 11.45
    _quebec(
        "a multiplier takes what the one before it left",
        {"base": 3000, "panes": 4150, "storeys": 1200, "height": 2088, "rush": 1044},
        (574, 1145),
        13201,
        65,
        storeys="two",
        rush="yes",
    ),
    # 71.50 x 0.1 = 7.15; 78.65; 3.9325 -> 3.93; 7.8453375 -> 7.85
    _quebec("in a hurry", {"base": 3000, "panes": 4150, "rush": 715}, (393, 785), 9043, 55, rush="yes"),
    # 104.38; 7.5 % = 7.8285 -> 7.83; 96.55; 4.8275 -> 4.83; 9.6308625 -> 9.63; 65 x 1.5 = 97.5 -> 98
    _quebec(
        "monthly, high and hard",
        {"base": 3000, "panes": 4150, "storeys": 1200, "height": 2088},
        (483, 963),
        11101,
        98,
        storeys="two",
        access="hard",
        frequency="monthly",
        discount=783,
    ),
    # 30 + 12 x 4.15 = 49.80, 2 x 8.40, 3 x 2.05: 102.75; 5.1375 -> 5.14; 10.2493125 -> 10.25
    # 20 + 42 + 12 + 4.5 = 78.5 -> 79
    _quebec(
        "two add-ons",
        {"base": 3000, "panes": 4980, "screens": 1680, "sills": 615},
        (514, 1025),
        11814,
        79,
        panes=12,
        addons={"screens": 2, "sills": 3},
    ),
    # the book has no discount for it
    _quebec("weekly", {"base": 3000, "panes": 4150}, (358, 713), 8221, 55, frequency="weekly"),
    # 5000 + 40 x 33 = 6320; 1680 are missing to 8000; 10 % = 800; 60 + 12
    _tokyo("minimum", {"base": 5000, "area m2": 1320, "minimum": 1680}, 800, 8800, 72, rooms=1, area_m2=40),
    # 5000 + 1200 = 6200; 1800 are missing; 60 + 20
    _tokyo("no area", {"base": 5000, "rooms": 1200, "minimum": 1800}, 800, 8800, 80, rooms=2, area_m2=0),
    # 5000 + 3300 = 8300; 830; 60 + 30
    _tokyo("large", {"base": 5000, "area m2": 3300}, 830, 9130, 90, rooms=1, area_m2=100),
    # 65.5 x 33 = 2161.5 -> 2162; 5000 + 2162 + 3600 = 10762; 1076.2 -> 1076; 60 + 19.65 + 60 = 139.65 -> 140
    _tokyo("whole yen", {"base": 5000, "area m2": 2162, "rooms": 3600}, 1076, 11838, 140, rooms=4, area_m2="65.5"),
    # 10762; 12.5 % = 1345.25 -> 1345; 9417; 941.7 -> 942
    _tokyo(
        "weekly",
        {"base": 5000, "area m2": 2162, "rooms": 3600},
        942,
        10359,
        140,
        rooms=4,
        area_m2="65.5",
        frequency="weekly",
        discount=1345,
    ),
    # 10762 x 0.15 = 1614.3 -> 1614; 12376; 1237.6 -> 1238
    _tokyo(
        "december",
        {"base": 5000, "area m2": 2162, "rooms": 3600, "end of the year": 1614},
        1238,
        13614,
        140,
        rooms=4,
        area_m2="65.5",
        season="december",
    ),
    # 12.500
    _kuwait("what is included", 2, {"base": 12500}, 12500, 90),
    # 12.500 + 3 x 3.125 = 21.875; 90 + 45
    _kuwait("three digits", 5, {"base": 12500, "rooms": 9375}, 21875, 135),
    # 21.875; 7.5 % = 1.640625 -> 1.641
    _kuwait("monthly", 5, {"base": 12500, "rooms": 9375}, 20234, 135, frequency="monthly", discount=1641),
    # 1.5 x 3.125 = 4.6875 -> 4.688; 90 + 22.5 = 112.5 -> 113
    _kuwait("half a room", "3.5", {"base": 12500, "rooms": 4688}, 17188, 113),
    # 12.500 + 2 x 4.750; 90 + 50
    _kuwait("add-ons", 0, {"base": 12500, "sofa": 9500}, 22000, 140, addons={"sofa": 2}),
    # 0.5 x 0.01 = 0.005 -> 0.01; 2.5 % = 0.00025 -> 0
    _edge("half a cent is one", "0.5", {"units": 1}, 0, 1),
    # 0.004999 -> 0, and so no line
    _edge("less than half a cent is none", "0.4999", {}, 0, 0),
    # 0.015 -> 0.02
    _edge("one and a half are two", "1.5", {"units": 2}, 0, 2),
    # 0.025 -> 0.03, where rounding half to even would say 0.02
    _edge("two and a half are three", "2.5", {"units": 3}, 0, 3),
    # 1.00 x 0.005 = 0.005 -> 0.01; 1.01; 0.02525 -> 0.03 each
    _edge("half a cent of a multiplier", 100, {"units": 100, "grade": 1}, 3, 107, grade="dear"),
    # 0.01 x -0.5 = -0.005 -> -0.01
    _edge("half a cent off", 1, {"units": 1, "grade": -1}, 0, 0, grade="cheap"),
    # 0.03 x -0.5 = -0.015 -> -0.02
    _edge("one and a half off", 3, {"units": 3, "grade": -2}, 0, 1, grade="cheap"),
    # 1.01; 50 % = 0.505 -> 0.51; 0.50; 0.0125 -> 0.01 each
    _edge("half a cent of a discount", 101, {"units": 101}, 1, 52, frequency="weekly", discount=51),
    # everything is taken off
    _edge("everything off", 100, {"units": 100}, 0, 0, frequency="monthly", discount=100),
    # 0.20; 0.005 -> 0.01 for each of the two, and not once 0.01 for both
    _edge("each tax is rounded", 20, {"units": 20}, 1, 22),
]
