"""One spelling for each e-mail address, so that two spellings of one mailbox are not two accounts."""

import re

import idna

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
"""What needs no quotes (`dot-atom` of RFC 5322, 3.2.3); no second `@` above all, behind which another domain begins."""
_LONGEST = 254
"""Characters of a whole address (RFC 5321, 4.5.3.1.3)."""


def spelled(address: str) -> str:
    """`address` without blanks around it and with its domain in ASCII (IDNA 2008, RFC 5891), lower case.

    The part in front of the `@` keeps its case, which some servers care about; compare addresses in lower case. It has
    to be ASCII that needs no quotes: anything else cannot be mailed everywhere, and has look-alikes. Raises ValueError.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at or not domain or not _LOCAL.fullmatch(local):
        raise ValueError("is not an e-mail address")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        raise ValueError("has a domain that cannot exist") from None
    if "." not in ascii_domain or ascii_domain.endswith("."):  # only now: dots have other spellings, too
        raise ValueError("is not an e-mail address")
    if len(local) + 1 + len(ascii_domain) > _LONGEST:
        raise ValueError("is too long")
    return f"{local}@{ascii_domain}"
