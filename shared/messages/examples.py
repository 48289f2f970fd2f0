"""What each kind of mail is given, by example: whoever queues one hands over these variables, and no words.

Instants are ISO 8601 in UTC, dates ISO 8601, amounts `{"amount": <minor units>, "currency": <ISO 4217>}`. What is None
in one of a kind's examples may be None. `make mail-preview` shows the mails, and the tests render all of them.
"""

from typing import Any

from shared.messages.model import MessageKind

_ORDER: dict[str, Any] = {
    "client_name": "Anna Berg",
    "number": 1001,
    "title": "Spring cleaning",
    "address": "12 Elm Street, Calgary",
    "starts": "2026-11-24T16:00:00+00:00",
    "ends": "2026-11-24T18:30:00+00:00",
    "total": {"amount": 12900, "currency": "cad"},
    "deposit": {"amount": 3225, "currency": "cad"},
    "hold_until": "2026-11-23T17:30:00+00:00",
    "order_id": "0199a000-0000-7000-8000-0000000003e9",
    "sequence": 2,  # the order's version: calendars keep the highest
}
_UNPROVEN = _ORDER | {"client_name": None, "address": None, "is_tentative": True}
"""Of an order that a stranger has booked, perhaps for somebody else's mailbox, and that nobody has confirmed."""
_INVOICE: dict[str, Any] = {
    "client_name": "Anna Berg",
    "number": "INV-2026-000001",
    "total": {"amount": 12900, "currency": "cad"},
    "balance": {"amount": 9675, "currency": "cad"},
    "due_on": "2026-12-08",
    "url": "https://portal.example.com/invoices/3fd0c1",
}
_PAYMENT: dict[str, Any] = {
    "client_name": "Anna Berg",
    "number": 1001,
    "title": "Spring cleaning",
    "amount": {"amount": 3225, "currency": "cad"},
}
_ACCOUNT: dict[str, Any] = {
    "name": "Dan Dispatcher",
    "email": "dan@example.com",
    "slug": "bright-and-tidy",
    "until": "2026-11-27T16:00:00+00:00",
}
_PLAN: dict[str, Any] = {
    "name": "Olga Owner",
    "plan": "Pro",
    "on": "2026-12-01",
    "url": "https://office.example.com/billing",
}

EXAMPLES: dict[MessageKind, dict[str, dict[str, Any]]] = {
    MessageKind.REQUEST_RECEIVED: {"": {"title": "Window cleaning"}, "no service": {"title": None}},
    MessageKind.ORDER_PENDING: {"": _ORDER, "no deposit": _ORDER | {"deposit": None, "hold_until": None}},
    MessageKind.ORDER_CONFIRMED: {"": _ORDER},
    MessageKind.ORDER_RESCHEDULED: {
        "": _ORDER | {"sequence": 3},
        "not confirmed": _UNPROVEN | {"sequence": 3},
        "not confirmed, no deposit": _UNPROVEN | {"deposit": None, "hold_until": None, "sequence": 3},
    },
    MessageKind.ORDER_REMINDER: {"": _ORDER | {"sequence": 3}},
    MessageKind.ORDER_CANCELLED: {
        "": _ORDER | {"reason": "Anna Berg is ill.", "sequence": 4},
        # Words that are ours come as a code, to be said in the reader's language.
        "deposit unpaid": _UNPROVEN | {"reason": None, "reason_code": "deposit_unpaid", "sequence": 4},
    },
    MessageKind.ORDER_COMPLETED: {"": _ORDER | {"sequence": 5}},
    MessageKind.INVOICE: {"": _INVOICE},
    MessageKind.INVOICE_OVERDUE: {"": _INVOICE},
    # method: card, cash, transfer, cheque, or what is to be shown as it is
    MessageKind.RECEIPT: {"": _PAYMENT | {"paid_at": "2026-11-23T17:05:00+00:00", "method": "card"}},
    MessageKind.PAYMENT_FAILED: {"": _PAYMENT | {"url": "https://portal.example.com/pay/3fd0c1"}},
    MessageKind.REFUND: {
        "": _PAYMENT | {"reason": None},
        "with a reason": _PAYMENT | {"reason": "Cancelled: #1001"},
    },
    MessageKind.MAGIC_LINK: {
        "": {
            "client_name": "Anna Berg",
            "url": "https://portal.example.com/enter/f3a9c07b52d84e61a0c7",
            "until": "2026-11-23T18:00:00+00:00",
        }
    },
    # with EMAIL_TEMP_PASSWORDS, SEALED_PASSWORD (see model.py), too
    MessageKind.ACCOUNT_CREATED: {"": _ACCOUNT | {"role": "dispatcher"}},
    MessageKind.PASSWORD_RESET: {"": _ACCOUNT},
    # notice: trial_ending, activated, past_due or cancelled; on: when that is, or when it takes effect
    MessageKind.PLAN_NOTICE: {
        "trial ending": _PLAN | {"notice": "trial_ending"},
        "activated": _PLAN | {"notice": "activated", "on": None},
        "past due": _PLAN | {"notice": "past_due"},
        "cancelled": _PLAN | {"notice": "cancelled"},
    },
    # title, text and facts are written by whoever warns, and shown as they are
    MessageKind.OPERATOR_ALERT: {
        "": {
            "title": "17 mails are dead",
            "text": "The mail server refuses the sender address.",
            "facts": [["server", "smtp.example.com:587"], ["answer", "550 5.7.1"], ["since", "2026-11-23 17:05 UTC"]],
            "url": "https://office.example.com/messages?state=dead",
        },
        "short": {"title": "Disk 91 %", "text": "/var/lib/crewline", "facts": None, "url": None},
    },
}
