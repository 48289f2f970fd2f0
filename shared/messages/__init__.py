"""E-mail, one row per mail. The row is written with the change it tells about, and is the promise that it will be sent.

    queued --claim--> sending --the server took it--> sent
      ^                  |
      |                  +--it will never take it, or too many tries--> dead
      +--lease ran out,--+
         or retry is due      (between two tries: retrying)

At least once: a worker that dies after the server took the mail and before `sent` was written sends it again, with the
same Message-ID. Start at `service.queue`; `rendering.py` turns a row into a mail, in the worker only.
"""
