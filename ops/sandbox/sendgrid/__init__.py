"""The SendGrid stand-in: takes mails by SendGrid's API into the mailbox of the SMTP catcher, and tells what became of
them by signed webhooks.

``account`` holds what a customer of SendGrid would be given, ``checks`` says what is wrong with a mail, ``mime``
builds it, ``api`` speaks the API, ``faults`` and ``misbehaving`` make calls go wrong, ``events`` and ``signing`` make
webhooks, ``telling`` posts them by themselves, ``control`` is for tests and people, ``log`` remembers. It follows what
Twilio publishes and uses none of SendGrid's own code, so that the two check each other:

* sending: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
* what is refused, and how: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors
* how often one may ask: https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits
* events: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
* their signature: .../for-developers/tracking-events/getting-started-event-webhook-security-features
"""
