"""A photo is opened with its link, and deleted."""

from urllib.parse import urlsplit

from ops.demo.chapters.photos.album import Album
from ops.demo.chapters.photos.coming_in import Photo
from ops.demo.stored import objects_of
from ops.demo.story import eventually, expect


def open_it(album: Album, photo: Photo) -> None:
    """Whole, in part, again, and with a link that somebody has changed."""
    get = album.world.call
    links = album.owner.get(f"{album.path}/{photo['id']}/url")
    whole = get("GET", links["url"])
    part = get("GET", links["url"], headers={"Range": "bytes=100-199"})
    expect((part.status_code, part.content) == (206, whole.content[100:200]), f"a part answered {part.status_code}")
    again = get("GET", links["url"], headers={"If-None-Match": whole.headers["ETag"]})
    expect(again.status_code == 304, f"the same again answered {again.status_code}")
    forged = links["url"][:-3] + ("aaa" if not links["url"].endswith("aaa") else "bbb")
    refused = get("GET", forged)
    expect(refused.status_code == 403, f"a forged link answered {refused.status_code}")
    album.story.proved(
        "A signed link opens it, whole (200), in part (206) and not again (304); a forged one does not (403)",
        f"{urlsplit(links['url']).netloc}, {whole.headers['Content-Type']}, until {links['url_expires_at']}",
    )


def delete(album: Album, photo: Photo) -> None:
    """Gone for everyone at once, its files soon after."""
    answer = album.owner.call("DELETE", f"{album.path}/{photo['id']}")
    expect(answer.status_code in {204, 404}, f"removing the photo answered {answer.status_code}")
    album.owner.refused("GET", f"{album.path}/{photo['id']}", 404, "order_photos.not_found")
    waiting = {name: value for name, value in album.numbers().items() if "deletes" in name}
    eventually(lambda: not objects_of(album.world, photo["id"]), "the photo's files were not deleted")
    album.story.proved(
        "It is removed: gone for everyone at once, its files soon after",
        *(f"{name} {value:,.0f}" for name, value in waiting.items()),
    )
