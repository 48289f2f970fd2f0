"""Real images: Cloudflare takes nothing else."""

import random
from io import BytesIO

from PIL import Image


def picture(kind: str = "PNG", *, width: int = 640, height: int = 400, seed: int = 1) -> bytes:
    """A smooth image, a few kilobytes."""
    gradient = Image.linear_gradient("L").rotate(seed).resize((width, height))
    return _saved(gradient.convert("RGB"), kind)


def noise(side: int) -> bytes:
    """A square PNG that cannot be made smaller: about three bytes for each pixel."""
    pixels = random.Random(1).randbytes(3 * side * side)
    return _saved(Image.frombytes("RGB", (side, side), pixels), "PNG", compress_level=0)


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    made = BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()
