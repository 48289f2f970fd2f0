"""One spelling for each e-mail address, so that two spellings of one mailbox are not two accounts."""

import re

import idna

_LOCAL = re.compile(r"[!#-~]{1,64}")
_LONGEST = 254
"""Characters of a whole address (RFC 5321, 4.5.3.1.3)."""


def spelled(address: str) -> str:
    """`address` without blanks around it and with its domain in ASCII (IDNA 2008, RFC 5891), lower case.

    The part in front of the `@` keeps its case, which some servers care about; compare addresses in lower case. It has
    to be printable ASCII without quotes: anything else cannot be mailed everywhere, and has look-alikes. Raises
    ValueError.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or "." not in domain or domain.endswith("."):
        raise ValueError("is not an e-mail address")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        raise ValueError("has a domain that cannot exist") from None
    if len(local) + 1 + len(ascii_domain) > _LONGEST:
        raise ValueError("is too long")
    return f"{local}@{ascii_domain}"
