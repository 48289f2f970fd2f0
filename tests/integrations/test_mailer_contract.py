"""What every mailer must do, the same for each."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared.core.errors import Invalid, Unavailable
from shared.core.settings import Settings
from shared.integrations.mail import MAIL_AWAY, MAIL_REFUSED, UNTRIED, Mail, Mailer
from tests.integrations.mailers import MAILERS, MailSubject, make_mail


def header(arrived: dict[str, Any], name: str) -> list[str]:
    return [value for key, value in arrived["headers"] if key.lower() == name.lower()]


def refused(mailer: Mailer, mail: Mail) -> Unavailable:
    with pytest.raises(Unavailable) as refusal:
        mailer.send(mail)
    return refusal.value


class TestMailer:
    """The contract. `subject` runs it once for each mailer."""

    @pytest.fixture(params=MAILERS)
    def subject(
        self, request: pytest.FixtureRequest, settings: Settings, sandbox_ports: dict[str, int]
    ) -> Iterator[MailSubject]:
        subject = MailSubject(MAILERS[request.param], settings, sandbox_ports)
        subject.fault("ok")
        yield subject
        subject.fault("ok")

    def test_a_good_mail_arrives_as_it_was_written(self, subject: MailSubject) -> None:
        mail = make_mail()
        provider_id = subject.mailer().send(mail)
        (arrived,) = subject.arrived(mail)
        assert (arrived["subject"], arrived["text"], arrived["html"]) == (mail.subject, mail.text, mail.html)
        assert arrived["envelope_to"] == [mail.to]
        assert arrived["envelope_from"] == mail.from_address
        assert [sender.replace('"', "") for sender in header(arrived, "From")] == [
            f"{mail.from_name} <{mail.from_address}>"
        ]
        assert header(arrived, "To") == [mail.to]
        assert header(arrived, "Reply-To") == [mail.reply_to]
        assert len(header(arrived, "Date")) == 1
        for name, value in mail.headers:
            assert header(arrived, name) == [value]
        assert provider_id
        assert len(provider_id) <= 200

    def test_what_is_attached_arrives(self, subject: MailSubject) -> None:
        mail = make_mail()
        subject.mailer().send(mail)
        (arrived,) = subject.arrived(mail)
        assert [(file["filename"], file["content_type"]) for file in arrived["attachments"]] == [
            ("visit.ics", "text/calendar")
        ]
        assert subject.attachment(arrived, 1).splitlines() == mail.attachments[0].content.splitlines()

    def test_what_is_not_asked_for_is_not_there(self, subject: MailSubject) -> None:
        mail = make_mail(reply_to=None, headers=(), attachments=(), reference=())
        subject.mailer().send(mail)
        (arrived,) = subject.arrived(mail)
        assert arrived["attachments"] == []
        assert header(arrived, "Reply-To") == header(arrived, "List-Unsubscribe") == []

    def test_many_mails_go_through_one_mailer(self, subject: MailSubject) -> None:
        mailer = subject.mailer()
        mails = [make_mail(subject=f"Number {number}") for number in range(5)]
        for mail in mails:
            mailer.send(mail)
        assert [subject.arrived(mail)[0]["subject"] for mail in mails] == [mail.subject for mail in mails]

    def test_a_domain_that_is_not_ascii_is_reached(self, subject: MailSubject) -> None:
        mail = make_mail(to="anna@münchen.test", reply_to="buero@münchen.test")
        subject.mailer().send(mail)
        (arrived,) = subject.arrived(mail)
        assert arrived["envelope_to"] == ["anna@xn--mnchen-3ya.test"]
        assert header(arrived, "Reply-To") == ["buero@xn--mnchen-3ya.test"]

    @pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r"])
    @pytest.mark.parametrize("field", ["to", "reply_to", "subject", "from_name", "from_address", "message_id"])
    def test_no_field_becomes_two_headers(self, subject: MailSubject, field: str, breaks: str) -> None:
        mail = make_mail()
        spoilt = replace(mail, **{field: f"{getattr(mail, field)}{breaks}Bcc: all@client.test"})
        with pytest.raises(Invalid) as refusal:
            subject.mailer().send(spoilt)
        assert refusal.value.code == MAIL_REFUSED
        assert subject.arrived(mail) == []

    @pytest.mark.parametrize("value", ["x\r\nBcc: all@client.test", "x\nBcc: all@client.test"])
    def test_no_header_becomes_two(self, subject: MailSubject, value: str) -> None:
        mail = make_mail(headers=(("X-Request-Id", value),))
        with pytest.raises(Invalid):
            subject.mailer().send(mail)
        assert subject.arrived(mail) == []

    @pytest.mark.parametrize(
        "to", ["", "anna", "a@b@c.test", "a@client.test, b@client.test", "@client.test", "ännä@client.test"]
    )
    def test_what_is_no_address_is_refused_for_ever(self, subject: MailSubject, to: str) -> None:
        mail = make_mail(to=to)
        with pytest.raises(Invalid):
            subject.mailer().send(mail)
        assert subject.arrived(mail) == []

    def test_a_mail_that_is_never_taken_is_refused_for_ever(self, subject: MailSubject) -> None:
        subject.fault("never", count=1)
        mail, mailer = make_mail(), subject.mailer()
        with pytest.raises(Invalid) as refusal:
            mailer.send(mail)
        assert refusal.value.code == MAIL_REFUSED
        assert refusal.value.detail
        assert subject.arrived(mail) == []
        mailer.send(mail)
        assert len(subject.arrived(mail)) == 1, "the next one goes through the same mailer"

    def test_a_mail_that_is_not_taken_now_may_be_later(self, subject: MailSubject) -> None:
        subject.fault("later", count=1)
        mail, mailer = make_mail(), subject.mailer()
        assert refused(mailer, mail).code not in UNTRIED
        assert subject.arrived(mail) == []
        mailer.send(mail)
        assert len(subject.arrived(mail)) == 1

    def test_a_server_that_is_away_was_not_asked(self, subject: MailSubject) -> None:
        assert refused(subject.mailer(away=True), make_mail()).code == MAIL_AWAY

    def test_a_server_that_is_slow_is_given_up_in_time(self, subject: MailSubject) -> None:
        subject.fault("slow", count=1, seconds=20)
        mail, mailer = make_mail(), subject.mailer(timeout=0.3)
        began = time.monotonic()
        assert refused(mailer, mail).code not in UNTRIED, "it may have taken the mail"
        assert time.monotonic() - began < 5
        mailer.send(mail)
        assert {each["message_id"] for each in subject.arrived(mail)} == {mail.message_id}

    def test_a_mail_in_doubt_is_sent_again_under_the_same_id(self, subject: MailSubject) -> None:
        subject.fault("in doubt", count=1)
        mail, mailer = make_mail(), subject.mailer()
        assert refused(mailer, mail).code not in UNTRIED
        mailer.send(mail)
        assert len(subject.arrived(mail)) == 2

    def test_it_rests_after_failures_in_a_row_and_comes_back(self, subject: MailSubject) -> None:
        subject.fault("later")
        mailer = subject.resting(failures=3, recovery_seconds=0.4)
        for _ in range(3):
            assert not mailer.is_resting
            refused(mailer, make_mail())
        assert mailer.is_resting
        subject.fault("ok")
        early = make_mail()
        refusal = refused(mailer, early)
        assert (refusal.code, refusal.fields["retry_after"]) == (MAIL_AWAY, 0.4)
        assert subject.arrived(early) == []
        time.sleep(0.45)
        assert not mailer.is_resting
        mailer.send(early)
        assert len(subject.arrived(early)) == 1
        assert not mailer.is_resting

    def test_it_rests_when_nobody_is_there(self, subject: MailSubject) -> None:
        mailer = subject.resting(failures=2, recovery_seconds=60, away=True)
        for _ in range(2):
            refused(mailer, make_mail())
        assert mailer.is_resting

    def test_what_is_wrong_with_mails_makes_nobody_rest(self, subject: MailSubject) -> None:
        subject.fault("never", count=3)
        mailer = subject.resting(failures=2, recovery_seconds=60)
        for _ in range(3):
            with pytest.raises(Invalid):
                mailer.send(make_mail())
        mailer.send(make_mail())
        assert not mailer.is_resting
