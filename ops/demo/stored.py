"""What the storages of the running system hold: the folder on this machine, and the sandbox's S3."""

from ops.demo.world import World


def objects_of(world: World, photo_id: str) -> list[str]:
    """Every object that belongs to a photo, wherever it is: `backend: name`."""
    local = [f"local: {path.name}" for path in world.upload_root.rglob(f"*{photo_id}*") if path.is_file()]
    listed = world.sandbox("GET", "/api/s3/objects")["data"]
    remote = [f"s3: {each['key'].rpartition('/')[2]}" for each in listed if photo_id in each["key"]]
    return sorted(local + remote)
