"""Mail: a client hears of her appointment, of its new time, and is reminded; she unsubscribes; a dead mail is sent
after all; and whoever asks whether she got it, is told."""

from ops.demo.chapters.email import appointment, fate, reminders
from ops.demo.chapters.email.correspondence import Correspondence
from ops.demo.story import Story
from ops.demo.world import World


def tell(world: World, story: Story) -> None:
    """Confirm, move, remind, move and remind again, unsubscribe, fail, replay, resend, answer."""
    anna = Correspondence.of(world, story)
    appointment.confirm(anna)
    appointment.move(anna)
    reminder = reminders.remind(anna)
    reminder = reminders.remind_again(anna, reminder)
    reminders.unsubscribe(anna, reminder)
    fate.fail_and_replay(anna)
    fate.send_again(anna)
    fate.answer(anna)
