"""Finding clients by the beginnings of words, on an index that row-level security leaves usable."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, delete, false, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.clients.model import Client, ClientTerm
from shared.clients.words import beginnings, folded, terms_of
from shared.core.actor import Actor
from shared.core.orm import table_of

_clients, _terms = table_of(Client), table_of(ClientTerm)
_BEHIND_ALL = "\U0010ffff"
"""Sorts behind every character, so that `word` up to `word` and this is everything that begins with `word`."""


def matching(actor: Actor, q: str) -> Select[tuple[UUID]]:
    """A SELECT of the identifiers of clients for whom each word of `q` begins a word of their name, e-mail address or
    phone number. Finds nobody when there is no word in `q`."""
    wanted = beginnings(q)
    query = select(_clients.c.id).where(_clients.c.org_id == actor.org_id)
    for word in wanted:
        begins = and_(_terms.c.term >= word, _terms.c.term < word + _BEHIND_ALL)
        query = query.where(
            _clients.c.id.in_(select(_terms.c.client_id).where(_terms.c.org_id == actor.org_id, begins))
        )
    return query if wanted else query.where(false())


def with_address(actor: Actor, email: str) -> Select[tuple[UUID]]:
    """A SELECT of the identifiers of clients who have this e-mail address as a term. Accents are folded there, so the
    addresses themselves have to be compared as well."""
    mine = (_terms.c.org_id == actor.org_id, _terms.c.term == folded(email))
    return select(_terms.c.client_id).where(*mine)


def add_terms(session: Session, actor: Actor, client: Any) -> None:
    """Let `client`, a row or an object, be found by name, address and number."""
    terms = sorted(terms_of(client.name, client.email, client.phone))
    rows = [{"org_id": actor.org_id, "client_id": client.id, "term": term} for term in terms]
    session.execute(insert(_terms).values(rows).on_conflict_do_nothing())


def forget_terms(session: Session, actor: Actor, client_ids: list[UUID]) -> None:
    """Let nobody find these clients."""
    session.execute(delete(_terms).where(_terms.c.org_id == actor.org_id, _terms.c.client_id.in_(client_ids)))
