"""A company's week: from a price that a stranger asks for to a client who is forgotten, through the API only.

It works with services, teams and people of its own, new each time, so that it can be told again; what it has put on
sale or set to work is taken off at the end, and settings and price book are those of before. `company.py` has what all
steps use. The one minute that a worker's clock has to run goes by beside the other steps.
"""

from ops.demo.chapters.week import crew_day, dispatch, people, series, setting_up, strangers
from ops.demo.chapters.week.company import Company
from ops.demo.chapters.week.tidying import left_as_found
from ops.demo.story import Story
from ops.demo.world import World


def tell(world: World, story: Story) -> None:
    """Set up, sell, book, dispatch, work, call off, repeat, merge, forget."""
    company = Company.of(world, story)
    with left_as_found(company):
        setting_up.hire(company)
        long_one = crew_day.begin_the_long_one(company)
        setting_up.set_up(company)
        priced = strangers.estimate(company)
        annas = strangers.request(company, priced)
        claras = strangers.book(company, priced)
        doras, emils = strangers.race(company, priced)
        dispatch.look_at_the_board(company)
        dispatch.assign(company, annas)
        closed_door = dispatch.nobody_there(company)
        greta = series.repeat(company)
        dispatch.bring_forward(company, annas)
        crew_day.work(company, annas)
        dispatch.no_show(company, closed_door)
        dispatch.call_off(company, claras)
        people.merge(company, emils)
        people.hand_out_and_forget(company, claras, doras)
        people.answer_for(company, annas)
        crew_day.end_the_long_one(company, *long_one)
        series.end(company, greta)
