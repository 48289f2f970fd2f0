"""E-mail, one row per mail. The row is written with the change it tells about, and is the promise that it will be sent.

    queued --claim--> sending --the server took it--> sent
      ^                  |
      |                  +--it will never take it, too many tries, too late--> dead --replay--> queued
      |                  +--the recipient wants no such mail, or does not exist--> suppressed
      +--lease ran out,--+
         or retry is due      (between two tries: retrying)

At least once: a worker that dies after the server took the mail and before `sent` was written sends it again, with the
same Message-ID (`ops/docs/mail.md` says when exactly). A server that cannot be reached costs no try.

Start at `service.queue`; `examples.py` shows what each kind is given. `sending.py` is what a worker does with a row,
`rendering.py` turns a row into a mail (`ops/docs/mail-content.md`), and `deliveries.py` keeps what the provider tells
of it later.
"""
