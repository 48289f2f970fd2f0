"""The Turnstile stand-in, held against what Cloudflare publishes about siteverify."""

import pytest

SECRET = "0x4AAAAAAA-sandbox-secret-key"
DUMMY = "XXXX.DUMMY.TOKEN.XXXX"


def solve(sandbox, **fields):
    made = sandbox.call("POST", "/api/turnstile/tokens", json=fields)
    assert made.status_code == 201
    return made.json()["token"]


def verify(sandbox, **form):
    return sandbox.call("POST", "/turnstile/v0/siteverify", data=form).json()


def test_a_token_passes_once_and_says_what_it_was_made_for(sandbox):
    token = solve(sandbox, action="leads", hostname="book.example.com")
    first = verify(sandbox, secret=SECRET, response=token, remoteip="203.0.113.7")
    assert (first["success"], first["action"], first["hostname"]) == (True, "leads", "book.example.com")
    assert first["error-codes"] == []
    assert first["challenge_ts"].endswith("Z")
    second = verify(sandbox, secret=SECRET, response=token)
    assert (second["success"], second["error-codes"]) == (False, ["timeout-or-duplicate"])


def test_the_same_idempotency_key_gets_the_same_answer_again(sandbox):
    token = solve(sandbox)
    key = "0199a000-0000-7000-8000-000000000000"
    answers = [verify(sandbox, secret=SECRET, response=token, idempotency_key=key) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["success"] is True
    assert verify(sandbox, secret=SECRET, response=token, idempotency_key="another")["success"] is False


def test_it_takes_json_as_well(sandbox):
    body = {"secret": SECRET, "response": solve(sandbox)}
    assert sandbox.call("POST", "/turnstile/v0/siteverify", json=body).json()["success"] is True
    assert sandbox.call("POST", "/turnstile/v0/siteverify", json=[1]).json()["error-codes"] == ["bad-request"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "missing-input-secret"),
        ({"response": "x"}, "missing-input-secret"),
        ({"secret": "0x-wrong", "response": "x"}, "invalid-input-secret"),
        ({"secret": SECRET}, "missing-input-response"),
        ({"secret": SECRET, "response": "x"}, "invalid-input-response"),
        ({"secret": SECRET, "response": DUMMY}, "invalid-input-response"),
        ({"secret": f"2x{'0' * 31}AA", "response": DUMMY}, "invalid-input-response"),
        ({"secret": f"3x{'0' * 31}AA", "response": DUMMY}, "timeout-or-duplicate"),
        ({"secret": f"1x{'0' * 31}AA"}, "missing-input-response"),
    ],
)
def test_each_refusal_has_its_code(sandbox, form, code):
    answer = verify(sandbox, **form)
    assert (answer["success"], answer["error-codes"]) == (False, [code])


def test_the_secret_that_always_passes_names_no_action(sandbox):
    for _ in range(2):
        answer = verify(sandbox, secret=f"1x{'0' * 31}AA", response=DUMMY)
        assert (answer["success"], answer["hostname"]) == (True, "example.com")
        assert "action" not in answer
        assert answer["metadata"] == {"result_with_testing_key": True}


def test_a_token_gets_old(sandbox):
    assert verify(sandbox, secret=SECRET, response=solve(sandbox, age_seconds=299))["success"] is True
    late = verify(sandbox, secret=SECRET, response=solve(sandbox, age_seconds=301))
    assert late["error-codes"] == ["timeout-or-duplicate"]


def test_a_fault_lasts_for_its_count_and_what_was_checked_is_told(sandbox):
    told = sandbox.call("PUT", "/api/turnstile/fault", json={"mode": "down", "count": 1})
    assert told.json() == {"mode": "down", "count": 1, "seconds": 0.0}
    token = solve(sandbox, action="orders")
    form = {"secret": SECRET, "response": token}
    assert sandbox.call("POST", "/turnstile/v0/siteverify", data=form).status_code == 503
    assert verify(sandbox, **form)["success"] is True
    checks = [each for each in sandbox.call("GET", "/api/turnstile/checks").json()["data"] if each["token"] == token]
    assert [(each["mode"], each["answer"] is None) for each in checks] == [("down", True), ("ok", False)]
    page = sandbox.call("GET", "/turnstile").text
    assert token in page
    assert "<script" not in page


@pytest.mark.parametrize(
    "fault", [{}, {"mode": "sad"}, {"mode": "slow"}, {"mode": "drip", "seconds": 0}, {"mode": "ok", "colour": 1}]
)
def test_a_fault_that_makes_no_sense_is_refused(sandbox, fault):
    assert sandbox.call("PUT", "/api/turnstile/fault", json=fault).status_code == 400
    assert sandbox.call("GET", "/api/turnstile/fault").json()["mode"] == "ok"
