"""Which passwords may be chosen, and how long it takes to judge one."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.core.errors import Invalid
from shared.identity import passwords

ABOUT = ("maximiliane.oberhuber-winterstein@staff.example.com", "Maximiliane Oberhuber")
GOOD = "Quay 93 lantern moss"


def _refusal(password: str, *about: str, current: str | None = None) -> str | None:
    """What is said against it; None for nothing."""
    try:
        passwords.check_choice(password, *(about or ABOUT), current=current)
    except Invalid as refused:
        return refused.detail
    return None


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        GOOD * 50,
        "zażółć gęślą jaźń",
        "Üben macht fünf Meister",
        "密码是一只绿色的小乌龟在跳舞",
        "\U0001f422\U0001f3b7\U0001f335\U0001f9c2" * 2 + "\U0001f525\U0001f9f2\U0001f40c\U0001f426",
        "a" * 12 + "\x00" + "Kq9!xW2z",
        " " * 3 + "Kq9!xW2z" + " " * 3,
        "ünïcödé " * 128,
    ],
)
def test_what_is_long_and_uncommon_is_accepted(password: str) -> None:
    assert _refusal(password) is None


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password1234",
        "P4$$w0rd1234",
        "passwordpassword",
        "4321drowssap",
        "qwertyuiop12",
        "qwertyuiopas",
        "123456789012",
        "111111111111",
        "aaaaaaaaaaaa",
        "abcdefghijkl",
        "abcabcabcabc",
        "iloveyou1234",
        "letmein12345",
        "correct horse battery staple",
        "CORRECT HORSE BATTERY STAPLE",
        "CorrectHorseBatteryStaple",
        "crewlinecrewline",
        "Crewline2024",
        "a" * 1024,
        "password" * 100,
    ],
)
def test_what_everybody_tries_is_refused(password: str) -> None:
    assert _refusal(password) == "This one is easy to guess."


@pytest.mark.parametrize(
    "password",
    [
        ABOUT[0],
        ABOUT[0].upper(),
        ABOUT[0] + "1",
        ABOUT[1],
        ABOUT[1].lower() + "!",
        ABOUT[1].replace("a", "4"),
        ABOUT[1][::-1],
    ],
)
def test_what_is_known_about_the_owner_is_refused(password: str) -> None:
    assert _refusal(password) == "This one is easy to guess."
    assert _refusal(password, "somebody@else.test", "Else") is None or len(password) < passwords.SHORTEST


def test_the_current_one_is_refused_before_anything_else() -> None:
    assert "current" in str(_refusal(GOOD, current=GOOD))
    assert "current" in str(_refusal("short", current="short"))
    assert _refusal(GOOD, current=GOOD.lower()) is None


def test_a_refusal_points_at_the_field_and_does_not_repeat_the_password() -> None:
    with pytest.raises(Invalid) as refused:
        passwords.check_choice("password1234", pointer="/chosen")
    (error,) = refused.value.errors
    assert (error["pointer"], error["code"]) == ("/chosen", "identity.password_refused")
    assert "password1234" not in str(refused.value)


@pytest.mark.parametrize(("length", "accepted"), [(11, False), (12, True), (1024, True), (1025, False)])
def test_lengths_are_counted_in_characters(length: int, accepted: bool) -> None:
    assert (_refusal(("Kq9 xW2züé" * 103)[:length]) is None) is accepted


def test_there_are_no_rules_of_composition() -> None:
    for password in ("onlylowercasewords", "ONLY UPPER WORDS", "83018 59274 1936", "????¿¿¿¿!!!!§§§§"):
        assert _refusal(password) is None, password


_LEET = "4@8({[<369!1|0$5+7%2"
HOSTILE = {
    "all replacements": _LEET * 52,
    "replacements twice": "[{+716!$83<|29%50@4(" * 52,
    "replacements and a word": _LEET + "password1" * 112,
    "replacements and letters that grow in lower case": _LEET + "\u0130" * 1000,
    "replacements, repeated after 16": _LEET[:16] * 64,
    "dates": "19910101" * 128,
    "keys": "qwertyuiop" * 102,
    "one letter": "a" * 1024,
    "bars": "1|" * 512,
    "pairs": "aabb" * 256,
    "letters that grow in lower case": "\u0130" * 1024,
    "astral": "\U0001f422" * 1024,
}


@pytest.mark.parametrize("password", HOSTILE.values(), ids=HOSTILE.keys())
def test_judging_is_bounded_whatever_is_typed(password: str) -> None:
    """Half a second at worst on a slow machine; without a bound, these take minutes."""
    began = time.thread_time()  # the processor's, so that other work on the machine does not count
    _refusal(password[: passwords.LONGEST])
    assert time.thread_time() - began < 5


def test_two_who_choose_at_once_are_judged_by_what_is_known_about_each() -> None:
    """zxcvbn keeps what is known in a variable of its module."""
    own = [f"{first} of Kirkwall" for first in ("Aslaug", "Brynhild", "Casimir", "Dagmar")]
    assert {_refusal(name[::-1], "someone@staff.test", "Else") for name in own} == {None}

    def refused(name: str) -> list[bool]:
        return [_refusal(name[::-1], "someone@staff.test", name) is not None for _ in range(40)]

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(len(own)) as threads:
            assert all(all(found) for found in threads.map(refused, own))
    finally:
        sys.setswitchinterval(usual)


def test_temporary_passwords_can_be_read_out_and_may_not_be_guessed() -> None:
    made = {passwords.new_temporary() for _ in range(200)}
    assert len(made) == 200
    assert {len(each) for each in made} == {16}
    assert set("".join(made)) == set("abcdefghijkmnpqrstuvwxyz23456789")
