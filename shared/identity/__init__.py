"""People: users of an organization, their passwords, sessions and access tokens.

    password link ----> password set ----sign in----> session ----refresh----> session (new refresh token)
    (one use, 72 h)                                      |
                                                         +--sign out, idle too long, too old--> over

A user belongs to exactly one organization; the same mailbox at two companies is two accounts. Access tokens are short
JWTs (`tokens.py`); the session row is checked on every request, so ending a session acts at once. Refresh tokens and
links are random and stored as hashes. Passwords are argon2id (`passwords.py`), hashed outside any transaction.
Start at `signing_in.py`; `accounts.py` makes users and sets passwords.
"""
