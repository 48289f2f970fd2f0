"""`python -m ops.demo`."""

import argparse
import sys
from pathlib import Path

from ops.demo.chapters import CHAPTERS
from ops.demo.story import Story, StoryError
from ops.demo.world import World

DEFAULT = Path("var/quickstart.json")


def main() -> int:
    """Tell the chosen chapters; 0 when every step held, 1 when one did not, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m ops.demo", description=__doc__)
    parser.add_argument("--chapter", choices=[*CHAPTERS, "all"], default="all", help="what to show (default: all)")
    parser.add_argument("--quickstart", type=Path, default=DEFAULT, help=f"where the system is (default: {DEFAULT})")
    arguments = parser.parse_args()
    if not arguments.quickstart.exists():
        print(f"There is no {arguments.quickstart}: start the system with `make run DETACH=1`.", file=sys.stderr)
        return 2
    world, story = World.read(arguments.quickstart), Story()
    chosen = CHAPTERS if arguments.chapter == "all" else {arguments.chapter: CHAPTERS[arguments.chapter]}
    try:
        for name, (title, tell) in chosen.items():
            story.chapter(name, title)
            tell(world, story)
    except StoryError as error:
        story.failed(str(error))
        return 1
    story.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
