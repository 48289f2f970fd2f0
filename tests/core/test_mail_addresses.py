"""One spelling for each e-mail address."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.core.mail_addresses import spelled

_DOTS = ".\u3002\uff0e\uff61"
"""A full stop, and what is read as one in a domain (UTS #46)."""
_labels = st.text(st.characters(categories=["Ll", "Lu", "Lo"]), min_size=1, max_size=6) | st.sampled_from(
    ["xn--bcher-kva", "b\u00fccher", "B\u0308", "a\u00ad", "\uff41", "\u00df", "x_y", "\u00ad", ""]
)
_near_addresses = st.builds(
    lambda local, dot, labels: f"{local}@{dot.join(labels)}",
    st.text("aZ.+'", min_size=1, max_size=6) | st.text("aZ@\"' \u0430\uff41", max_size=6),
    st.sampled_from(_DOTS),
    st.lists(_labels, min_size=2, max_size=4) | st.lists(_labels, max_size=2),
)


@given(st.text() | _near_addresses)
@example("a@b.test\u3002")
@example("a@b.\u00ad")
@example("a@b\u3002test")
@example("\ud800@\udfff.test")
def test_whatever_is_typed_is_an_ascii_address_or_refused(text: str) -> None:
    try:
        found = spelled(text)
    except ValueError:
        return
    local, _, domain = found.partition("@")
    assert found.isascii()
    assert found == found.strip()
    assert "@" not in domain
    assert local
    assert "." in domain.strip(".") == domain


@given(_near_addresses)
@example("Dan@B\u00dcCHER.test")
@example("a@b\uff0etest")
def test_spelling_twice_is_spelling_once(text: str) -> None:
    try:
        once = spelled(text)
    except ValueError:
        assume(False)
    assert spelled(once) == once


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("dan@example.com", "dan@example.com"),
        ("  Dan@EXAMPLE.com ", "Dan@example.com"),
        ("dan@b\u00fccher.example", "dan@xn--bcher-kva.example"),
        ("dan@XN--BCHER-KVA.example", "dan@xn--bcher-kva.example"),
        ("dan@\uff45xample.com", "dan@example.com"),
        ("dan@example\u3002com", "dan@example.com"),
        ("d.o'neil+jobs@example.com", "d.o'neil+jobs@example.com"),
    ],
)
def test_spellings_of_one_mailbox_are_one(typed: str, address: str) -> None:
    assert spelled(typed) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "dan",
        "dan@",
        "@example.com",
        "dan@localhost",
        "dan@example.com.",
        "dan@example.com\u3002",
        "dan@.com",
        "dan@exa mple.com",
        "dan@-example.com",
        "dan@b@example.com",
        "dan,eve@example.com",
        "dan<eve@example.com",
        '"dan"@example.com',
        "d\u0430n@example.com",
        "\uff44an@example.com",
        "dan\n@example.com",
        "dan@example.com\nBcc: x",
        "d" * 65 + "@example.com",
        "dan@" + "a" * 64 + ".com",
        "d" * 64 + "@" + ".".join(["a" * 60] * 4),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is not an e-mail address|has a domain that cannot exist|is too long)$"):
        spelled(text)
