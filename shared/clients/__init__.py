"""Clients: the people an organization works for.

    create, find_or_create           merge into another
    ---------------------> active --------------------> merged
                              |                            |
                              +--- erase (`privacy`) --> erased

Invariants: an e-mail address (in any case) and a phone number (E.164) belong to one client of the organization, and an
active client has at least one of them. A merged client keeps its identifier and names the one that it is part of now;
that one is never merged itself, because merging it takes along what was merged into it. Neither merged nor erased
clients are listed, found by a search, or changed.

Under legal hold (`holding.py`) nothing that is held on a client is removed, neither by retention nor by erasing. Who is
merged with one under hold is under hold.

Search: `client_terms` holds the words by which a client is found, folded (`words.py`), and is written with every change
of name, address or phone (`searching.py`). Orders and leads point at clients with a composite key, so never at another
organization's.

Start at `service.py`; `finding.py` is for bookings, `merging.py` for two who are one, `addresses.py` for their places.
"""
