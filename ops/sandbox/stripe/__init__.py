"""The Stripe stand-in, for now a sender of webhooks.

``objects`` builds events, ``signing`` signs them, ``log`` remembers them, ``routes`` takes orders.

It follows what Stripe publishes about webhooks (https://docs.stripe.com/webhooks, the signature under
https://docs.stripe.com/webhooks/signature) and uses none of Stripe's own code: the two check each other.
"""
