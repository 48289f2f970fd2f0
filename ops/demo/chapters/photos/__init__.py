"""Photos: taken in, cleaned, opened, moved to another storage, deleted, stuck and freed; on the storage that is set up.

`ORDER_STORAGE_BACKEND=s3 make run` begins on the sandbox's S3, otherwise it begins in a folder; either way the photos
move to the other one and back.
"""

from ops.demo.chapters.photos import coming_in, going_out, moving
from ops.demo.chapters.photos.album import Album
from ops.demo.story import Story
from ops.demo.world import World


def tell(world: World, story: Story) -> None:
    """Upload, look, refuse, open, move, delete; with the numbers of the metrics beside it."""
    album = Album.of(world, story)
    album.show_panel("before")
    photo = coming_in.upload(album)
    photo = coming_in.cleaned(album, photo)
    coming_in.refuse(album, photo)
    coming_in.ask_for_consent(album)
    going_out.open_it(album, photo)
    photo = moving.move(album, photo)
    going_out.delete(album, photo)
    moving.get_stuck(album)
    album.show_panel("after")
