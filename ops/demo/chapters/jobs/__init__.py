"""Events for another system, which dies and comes back; and the table of jobs, while the scheduler dies."""

from ops.demo.chapters.jobs import dead_letters, events, scheduler
from ops.demo.chapters.jobs.receiving import Receiving
from ops.demo.story import Story
from ops.demo.world import World


def tell(world: World, story: Story) -> None:
    """Deliver, drill, kill the receiver, watch, bring it back, replay; then kill beat."""
    with Receiving.of(world, story) as acme:
        events.deliver(acme)
        events.drill(acme)
        lost = dead_letters.kill_and_wait(acme)
        dead_letters.bring_back_and_replay(acme, lost)
    scheduler.outlive_beat(world, story)
