"""People: users of an organization, their passwords, second factors, sessions and access tokens.

    password link ------------> password set --sign in--> session --refresh--> session (new refresh token)
    (one use, 72 h)              ^                          |   |
    temporary password --sign in-+ change-password          |   +--a used refresh token again--> over, for both
    (one use, 72 h; nothing else works before)              +--sign out, idle too long, too old, another role--> over

A user belongs to exactly one organization; the same mailbox at two companies is two accounts. Access tokens are short
JWTs (`tokens.py`); the session row is looked at on every request, so ending a session acts at once, and so does a duty
(a password to change, a second factor to set up). Refresh tokens, links and recovery codes are random and stored as
hashes, TOTP secrets sealed. Passwords are argon2id (`passwords.py`), hashed outside any transaction and in turns
(`turns.py`).

Start at `signing_in.py`; tries are counted in `attempts.py`, sessions go on in `refreshing.py` and end in
`sessions.py`, `mfa.py` is the second factor, `accounts.py` makes users and gives them passwords.
"""
