"""Names of targets: what they lead to is looked at each time, before anything is sent."""

import threading

import pytest

from shared.core.errors import Unavailable
from shared.core.settings import Settings
from shared.core.webhook_urls import place_of
from shared.integrations.export import http_sender, resolving
from shared.integrations.export.addresses import refusal_of
from tests.exports.receivers import Receiver, receiver
from tests.integrations.webhook_senders import make_sender, sent


@pytest.mark.parametrize("private", ["127.0.0.1", "::1", "10.1.2.3", "fd00::1", "169.254.169.254"])
def test_one_private_address_among_several_refuses_all(
    settings: Settings, listeners: list[Receiver], private: str
) -> None:
    found = ["8.8.8.8", "2606:4700::1111", private]
    sender = make_sender(settings, ask=lambda _: found, allowed_hosts=("hooks.example.com",))
    assert sent(sender, f"http://hooks.example.com:{listeners[0].port}/") == "webhooks.forbidden_target"
    assert listeners[0].connections == 0


def test_a_name_that_is_rebound_reaches_only_what_was_checked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """127.0.0.9 stands for a public address: first the name leads there, ever after inside."""
    monkeypatch.setattr(http_sender, "refusal_of", lambda each: str(each) != "127.0.0.9" and refusal_of(each))
    asked: list[str] = []

    def ask(name: str) -> list[str]:
        asked.append(name)
        return ["127.0.0.9"] if len(asked) == 1 else ["127.0.0.1"]

    sender = make_sender(settings, ask=ask, allowed_hosts=("rebound.example.com",))
    with receiver(host="127.0.0.9", name="rebound.example.com") as outside, receiver(port=outside.port) as inside:
        assert not isinstance(sent(sender, outside.url), str)
        assert not isinstance(sent(sender, outside.url), str)  # the connection that was checked
        assert (len(asked), outside.connections) == (1, 1)
        assert outside.requests[0].headers["host"] == f"rebound.example.com:{outside.port}"
        monkeypatch.setattr(http_sender, "LONGEST_OPEN_SECONDS", 0.0)
        assert sent(sender, outside.url) == "webhooks.forbidden_target"
        assert (len(asked), outside.connections, inside.connections) == (2, 1, 0)


def test_what_was_fine_when_it_was_saved_is_looked_at_again(settings: Settings, listeners: list[Receiver]) -> None:
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    sender = make_sender(settings, ask=lambda _: answers.pop(0), allowed_hosts=("hooks.example.com",))
    url = f"http://hooks.example.com:{listeners[0].port}/"
    sender.check_target(url)
    assert sent(sender, url) == "webhooks.forbidden_target"
    assert listeners[0].connections == 0


def test_names_are_compared_and_asked_for_in_one_spelling(settings: Settings) -> None:
    asked: list[str] = []

    def ask(name: str) -> list[str]:
        asked.append(name)
        return ["8.8.8.8"]

    sender = make_sender(settings, ask=ask)
    for spelled in ("https://Bücher.Example/", "https://BÜCHER.example/", "https://XN--BCHER-KVA.example/"):
        sender.check_target(spelled)
    assert asked == ["xn--bcher-kva.example"] * 3
    assert place_of("https://Bücher.example:8443/x").authority == "xn--bcher-kva.example:8443"
    assert place_of("https://[2606:4700:0:0::1111]/x").authority == "[2606:4700::1111]"


def test_a_name_server_that_hangs_keeps_nobody_and_few_threads(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, asked = threading.Event(), []
    monkeypatch.setattr(resolving, "MOST_AT_ONCE", 3)

    def ask(name: str) -> list[str]:
        asked.append(name)
        over.wait(30)
        return ["8.8.8.8"]

    sender = make_sender(settings, ask=ask, timeout_seconds=0.05)
    try:
        for _ in range(5):
            assert sent(sender, "https://slow.example.com/") == "webhooks.unresolved"
        assert asked == ["slow.example.com"]
        for number in range(5):
            assert sent(sender, f"https://slow-{number}.example.com/") == "webhooks.unresolved"
        assert len(asked) == 3
    finally:
        over.set()


@pytest.mark.parametrize("fault", [OSError("no such name"), UnicodeError("label too long")])
def test_a_name_that_is_not_known_may_be_known_later(settings: Settings, fault: Exception) -> None:
    def ask(_: str) -> list[str]:
        raise fault

    sender = make_sender(settings, ask=ask)
    with pytest.raises(Unavailable) as refused:
        sender.check_target("https://nowhere.example.com/")
    assert refused.value.code == "webhooks.unresolved"
    sender.check_url("https://nowhere.example.com/")
