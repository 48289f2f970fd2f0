"""The one error a person sees: its text says what is wrong and what to do about it."""


class QuickstartError(Exception):
    """The system cannot be started or stopped as asked; the message is written for a person."""
