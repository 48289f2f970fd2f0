"""Work that leaves a request: declared once, published only after the commit.

A `Job` is a constant in `shared/<feature>/jobs.py`, imported by the code that enqueues it and by the task that runs it,
so "find references" shows both ends. A message can be lost (broker down, flushed, frozen); so a row says what is still
owed, and the sweep named in `healed_by` enqueues it again. See `ops/docs/adr/0003-the-row-is-the-outbox.md`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core.settings import Settings

_PENDING = "jobs_to_publish"


class Queue(StrEnum):
    """The queues; each can have worker processes of its own."""

    EMAIL = "email"
    EXPORTS = "exports"
    STORAGE = "storage"
    STRIPE = "stripe"
    MAINTENANCE = "maintenance"


def _never(_: Settings) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of work.

    `name` is `feature.verb`, `args` the names of its arguments (identifiers only, never payloads). Either `healed_by`
    names the sweep that enqueues a lost one again, or `lossy` says why losing one is harmless. Under settings by which
    it `is_off` it would find nothing to do, and is not published.
    """

    name: str
    queue: Queue
    args: tuple[str, ...] = ()
    healed_by: str | None = None
    lossy: str | None = None
    is_off: Callable[[Settings], bool] = _never

    def __post_init__(self) -> None:
        if (self.healed_by is None) == (self.lossy is None):
            raise ValueError(f"{self.name} must name the sweep that heals it, or say why it may be lost")


@dataclass(frozen=True, slots=True)
class Message:
    """One call of a job, ready for the broker: JSON values only."""

    job: Job
    arguments: dict[str, str] = field(default_factory=dict)


def message(job: Job, **arguments: UUID | str) -> Message:
    """Build a message; a wrong argument name is a TypeError here and not in a worker an hour later."""
    if set(arguments) != set(job.args):
        raise TypeError(f"{job.name} takes {job.args}, not {tuple(arguments)}")
    return Message(job, {name: str(value) for name, value in arguments.items()})


def enqueue(session: Session, job: Job, **arguments: UUID | str) -> None:
    """Ask for `job` to be published once `session` has committed. Rolled back with it; asked for twice, sent once."""
    pending = session.info.setdefault(_PENDING, [])
    wanted = message(job, **arguments)
    if wanted not in pending:
        pending.append(wanted)


def take_pending(session: Session, settings: Settings) -> list[Message]:
    """Hand over what was enqueued and is not off, and forget it. For `shared.core.transaction` only."""
    taken: list[Message] = session.info.pop(_PENDING, [])
    return [message for message in taken if not message.job.is_off(settings)]
