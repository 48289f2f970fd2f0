"""What the demo can show. Each chapter stands alone and leaves the system as usable as it found it."""

from collections.abc import Callable

from ops.demo.chapters import email, jobs, onboarding, order, photos, week
from ops.demo.story import Story
from ops.demo.world import World

Chapter = tuple[str, Callable[[World, Story], None]]

CHAPTERS: dict[str, Chapter] = {
    "order": ("One order, from sign-in to paid", order.tell),
    "onboarding": ("People, from invitation to second factor", onboarding.tell),
    "photos": ("Photos, from a phone to the storage and out again", photos.tell),
    "email": ("Mail, from a confirmation to what became of it", email.tell),
    "jobs": ("Scheduled work, and events for another system that dies and comes back", jobs.tell),
    "week": ("A company's week, from an estimate to a client who is forgotten", week.tell),
}
