"""The SMTP catcher.

``smtp`` takes mails in, ``mailbox`` keeps them, ``routes`` shows them, ``faults`` makes deliveries go wrong.
"""
