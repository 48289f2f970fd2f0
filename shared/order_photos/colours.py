"""Bringing an image to eight bits per channel, in sRGB. For the worker only."""

import io

from PIL import Image, ImageCms

_KEPT = {"1", "L", "LA", "RGB", "RGBA", "CMYK"}
_MANY_BITS = {"I", "I;16", "I;16L", "I;16B"}
_PROFILED = {"L": "RGB", "RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB"}
"""In which mode a colour profile is applied, and what comes out."""


def plain(image: Image.Image) -> Image.Image:
    """The loaded image in mode 1, L, LA, RGB or RGBA, whatever it was; `image` itself may be changed."""
    profile = image.info.get("icc_profile")
    gray = image.mode in {"1", "L"}
    if image.mode in _MANY_BITS:
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    elif "transparency" in image.info:
        image = image.convert("LA" if gray else "RGBA")
    elif image.mode not in _KEPT:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if profile and image.mode in _PROFILED:
        image = _to_srgb(image, profile)
    return image.convert("RGB") if image.mode == "CMYK" else image


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """As the profile says; as it is if the profile is broken or meant for other colours."""
    mode = _PROFILED[image.mode]
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), image.mode, mode)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return image
    if image.mode == mode:
        transform.apply_in_place(image)
        return image
    converted = transform.apply(image)
    return converted.convert("L") if image.mode == "L" else converted
