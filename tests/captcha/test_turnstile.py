"""Checking tokens over the wire: who passes, who does not, and what happens when Turnstile is not well."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from shared.core.errors import Invalid, Refusal, Unavailable
from shared.integrations.captcha import turnstile as client
from shared.integrations.captcha.turnstile import TurnstileCaptcha
from tests.captcha.conftest import MakeCaptcha
from tests.sandbox_turnstile import SandboxTurnstile

ADDRESS = "203.0.113.7"
OUTCOMES = {(Invalid, "captcha.refused"): "refused", (Unavailable, "captcha.unavailable"): "unavailable"}


def _outcome(captcha: TurnstileCaptcha, token: str | None, action: str = "leads") -> str:
    try:
        captcha.verify(token, action=action, address=ADDRESS)
    except Refusal as refusal:
        return OUTCOMES[type(refusal), refusal.code]
    return "passed"


def test_a_fresh_token_passes_and_turnstile_learns_the_address(
    captcha: MakeCaptcha, turnstile: SandboxTurnstile
) -> None:
    token = turnstile.solve()
    assert _outcome(captcha(), token) == "passed"
    (check,) = turnstile.checks(token)
    assert check["remote_ip"] == ADDRESS


def test_an_address_that_is_not_known_is_not_sent(captcha: MakeCaptcha, turnstile: SandboxTurnstile) -> None:
    token = turnstile.solve()
    captcha().verify(token, action="leads", address=None)
    (check,) = turnstile.checks(token)
    assert check["remote_ip"] is None


def test_a_token_passes_once(captcha: MakeCaptcha, turnstile: SandboxTurnstile) -> None:
    token = turnstile.solve()
    assert [_outcome(captcha(), token) for _ in range(3)] == ["passed", "refused", "refused"]


def test_of_many_at_once_with_one_token_one_passes(captcha: MakeCaptcha, turnstile: SandboxTurnstile) -> None:
    token, checker = turnstile.solve(), captcha()
    with ThreadPoolExecutor(client.MOST_AT_ONCE) as pool:
        outcomes = list(pool.map(lambda _: _outcome(checker, token), range(client.MOST_AT_ONCE)))
    assert sorted(outcomes) == ["passed"] + ["refused"] * (client.MOST_AT_ONCE - 1)


@pytest.mark.parametrize("token", [None, "", "x", "0.forged", "x" * 2049, "ключ", "a&secret=1x", "a\r\nb", "\x00"])
def test_what_is_no_token_is_refused(captcha: MakeCaptcha, token: str | None) -> None:
    assert _outcome(captcha(), token) == "refused"


@pytest.mark.parametrize("token", [None, "", "x" * 2049])
def test_turnstile_is_not_asked_about_what_cannot_be_a_token(
    captcha: MakeCaptcha, turnstile: SandboxTurnstile, token: str | None
) -> None:
    turnstile.fault("down")
    assert _outcome(captcha(), token) == "refused"


@pytest.mark.parametrize(("age", "outcome"), [(290, "passed"), (301, "refused")])
def test_a_token_is_good_for_five_minutes(
    captcha: MakeCaptcha, turnstile: SandboxTurnstile, age: int, outcome: str
) -> None:
    assert _outcome(captcha(), turnstile.solve(age_seconds=age)) == outcome


@pytest.mark.parametrize("action", ["orders", "lead", "LEADS", None])
def test_a_token_for_something_else_is_refused_and_used_up(
    captcha: MakeCaptcha, turnstile: SandboxTurnstile, action: str | None
) -> None:
    token = turnstile.solve(action)  # type: ignore[arg-type]
    assert _outcome(captcha(), token) == "refused"
    assert _outcome(captcha(), token, action or "") == "refused"


@pytest.mark.parametrize(
    ("accepted", "hostname", "outcome"),
    [
        ((), "anywhere.example", "passed"),
        (("book.example.com",), "book.example.com", "passed"),
        (("Book.Example.com", "other.example"), "book.example.com", "passed"),
        (("book.example.com",), "evil.example", "refused"),
        (("book.example.com",), "book.example.com.evil.example", "refused"),
        (("book.example.com",), "example.com", "refused"),
        (("book.example.com",), "x.book.example.com", "refused"),
    ],
)
def test_only_captchas_of_the_listed_pages_count(
    captcha: MakeCaptcha, turnstile: SandboxTurnstile, accepted: tuple[str, ...], hostname: str, outcome: str
) -> None:
    checker = captcha(turnstile_hostnames=accepted)
    assert _outcome(checker, turnstile.solve(hostname=hostname)) == outcome


@pytest.mark.parametrize("mode", ["down", "error", "wrong", "no_verdict", "endless", "redirect", "failed_success"])
def test_a_turnstile_that_is_not_well_lets_nobody_in(
    captcha: MakeCaptcha, turnstile: SandboxTurnstile, mode: str
) -> None:
    turnstile.fault(mode, count=1)
    token, checker = turnstile.solve(), captcha()
    assert _outcome(checker, token) == "unavailable"
    assert _outcome(checker, token) == "passed", "the token was not checked, and nothing remembers the fault"


@pytest.mark.parametrize("mode", ["slow", "drip"])
def test_a_slow_turnstile_is_given_up_after_five_seconds(
    captcha: MakeCaptcha, turnstile: SandboxTurnstile, mode: str
) -> None:
    turnstile.fault(mode, count=1, seconds=8)
    began = time.monotonic()
    assert _outcome(captcha(), turnstile.solve()) == "unavailable"
    assert 4.9 <= time.monotonic() - began < 6


def test_a_slow_turnstile_keeps_four_requests_waiting_and_no_more(
    captcha: MakeCaptcha, turnstile: SandboxTurnstile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 1.0)
    checker = captcha()
    turnstile.fault("slow", seconds=2)
    with ThreadPoolExecutor(client.MOST_AT_ONCE) as pool:
        waiting = [pool.submit(_outcome, checker, turnstile.solve()) for _ in range(client.MOST_AT_ONCE)]
        time.sleep(0.5)
        began = time.monotonic()
        assert _outcome(checker, "another") == "unavailable"
        assert time.monotonic() - began < 0.4
        assert [each.result() for each in waiting] == ["unavailable"] * client.MOST_AT_ONCE
    turnstile.fault("ok")
    _until(lambda: _outcome(checker, turnstile.solve()) == "passed")


@pytest.mark.parametrize("secret", ["0x-of-somebody-else", ""])
def test_a_wrong_secret_is_our_fault_and_not_the_tokens(
    captcha: MakeCaptcha, turnstile: SandboxTurnstile, secret: str
) -> None:
    assert _outcome(captcha(turnstile_secret_key=SecretStr(secret)), turnstile.solve()) == "unavailable"


@pytest.mark.parametrize(("digit", "outcome"), [("1", "passed"), ("2", "refused"), ("3", "refused")])
def test_cloudflares_secrets_for_tests_do_what_they_say(captcha: MakeCaptcha, digit: str, outcome: str) -> None:
    checker = captcha(
        turnstile_secret_key=SecretStr(f"{digit}x0000000000000000000000000000000AA"),
        turnstile_hostnames=("book.example.com",),
    )
    assert [_outcome(checker, "XXXX.DUMMY.TOKEN.XXXX") for _ in range(2)] == [outcome] * 2


def test_nobody_listening_and_no_such_host_let_nobody_in(captcha: MakeCaptcha) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for base in (f"http://127.0.0.1:{port}", "http://turnstile.invalid"):
        assert _outcome(captcha(turnstile_api_base=base), "token") == "unavailable"


def test_a_server_that_never_answers_is_given_up(captcha: MakeCaptcha, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        checker = captcha(turnstile_api_base=f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert _outcome(checker, "token") == "unavailable"
        assert time.monotonic() - began < 1.5


def test_a_proxy_of_the_shell_is_not_used(
    captcha: MakeCaptcha, turnstile: SandboxTurnstile, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert _outcome(captcha(), turnstile.solve()) == "passed"


def _until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.1)
