"""What receivers make of a delivery: a good one, and such as make the mistakes that receivers make."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.exports.receivers import Behaviour, Connection, Got, says

TOLERANCE = 300
Judge = Callable[[Mapping[str, str], bytes], int]
"""From the headers (by lower-case names) and the body to the status."""


def judging(judge: Judge) -> Behaviour:
    """Answers what `judge` says; a redirect leads back."""

    def behave(connection: Connection, got: Got) -> bool:
        return says(judge(got.headers, got.body), b"", "Location: /hooks/")(connection, got)

    return behave


def answering(status: int) -> Judge:
    return lambda _, __: status


def verifying(*secrets: str) -> Judge:
    """As it should be, with the package that Standard Webhooks publishes."""

    def judge(headers: Mapping[str, str], body: bytes) -> int:
        for secret in secrets:
            try:
                Webhook(secret).verify(body.decode(), dict(headers))
            except WebhookVerificationError:
                continue
            return 204
        return 400

    return judge


def ignoring_the_time(secret: str) -> Judge:
    """Checks the signature, and takes whatever was signed once."""

    def judge(headers: Mapping[str, str], body: bytes) -> int:
        if "webhook-signature" not in headers:
            return 400
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        right = Webhook(secret).sign(headers["webhook-id"], at, body.decode())
        return 204 if right in headers["webhook-signature"].split() else 401

    return judge


def ignoring_the_signature() -> Judge:
    """Looks whether the headers are there, and fresh."""

    def judge(headers: Mapping[str, str], _: bytes) -> int:
        if "webhook-signature" not in headers:
            return 400
        age = datetime.now(UTC).timestamp() - int(headers["webhook-timestamp"])
        return 204 if abs(age) < TOLERANCE else 400

    return judge


def knowing_the_first_signature_only(secret: str) -> Judge:
    right = verifying(secret)

    def judge(headers: Mapping[str, str], body: bytes) -> int:
        first = headers.get("webhook-signature", "").split(" ")[0]
        return right({**headers, "webhook-signature": first} if first else headers, body)

    return judge


def choking_on_duplicates(secret: str, status: int) -> Judge:
    right, known = verifying(secret), set[str]()

    def judge(headers: Mapping[str, str], body: bytes) -> int:
        answer = right(headers, body)
        if answer == 204 and headers["webhook-id"] in known:
            return status
        known.add(headers.get("webhook-id", ""))
        return answer

    return judge


def busy_after(secret: str, count: int) -> Judge:
    """Limits how many come in a while."""
    right, seen = verifying(secret), list[str]()

    def judge(headers: Mapping[str, str], body: bytes) -> int:
        seen.append("")
        return right(headers, body) if len(seen) <= count else 429

    return judge
