"""From a `Mail` to the bytes that go over the wire (RFC 5322, MIME)."""

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime

from shared.core.errors import Invalid
from shared.integrations.mail import MAIL_REFUSED, Mail

_ASCII_ONLY = SMTP.clone(cte_type="7bit")
"""Every server takes it, and none has to encode the body anew, which would break a signature (DKIM)."""


def headed(mail: Mail) -> EmailMessage:
    """The head of `mail`, without a body. Raises `Invalid` for an address that is none, or several, and for a header
    that would become two."""
    message = EmailMessage(policy=_ASCII_ONLY)
    try:
        message["Message-ID"] = mail.message_id
        message["Date"] = localtime()
        message["From"] = Address(display_name=mail.from_name, addr_spec=mail.from_address)
        message["To"] = address(mail.to)
        if mail.reply_to:
            message["Reply-To"] = address(mail.reply_to)
        message["Subject"] = mail.subject
        for name, value in mail.headers:
            message[name] = value
    except (ValueError, IndexError, MessageError) as error:
        raise Invalid(MAIL_REFUSED, f"The mail cannot be addressed: {type(error).__name__}.") from error
    return message


def encoded(mail: Mail) -> bytes:
    """`mail` on the wire. Raises what `headed` raises."""
    message = headed(mail)
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    for file in mail.attachments:
        kind, *parameters = (part.strip() for part in file.mime.split(";"))
        message.add_attachment(
            file.content,
            subtype=kind.rpartition("/")[2],
            filename=file.filename,
            params=dict(parameter.split("=", 1) for parameter in parameters),
        )
    return bytes(message)


def address(text: str) -> Address:
    """`text` as it goes over the wire: the domain in ASCII (IDNA), because the email package would write it as an
    encoded word, which no mail program takes for a domain. Raises `ValueError` and its kin for what is no address."""
    local, at, domain = text.rpartition("@")
    if not local.isascii():
        raise ValueError("is not ASCII in front of the @, which few servers take")
    return Address(addr_spec=f"{local}{at}{domain if domain.isascii() else domain.encode('idna').decode()}")
