"""Prints a pip.conf for the image builds: this machine's way to its package registry, and nothing else of its pip."""

import os
import sys
from configparser import ConfigParser
from pathlib import Path

KEYS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout", "retries")


def files() -> list[Path]:
    """In pip's order: later ones win."""
    home = Path.home()
    named = os.environ.get("PIP_CONFIG_FILE")
    return [
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        home / ".config/pip/pip.conf",
        *([Path(named)] if named else []),
    ]


def main(ca_bundle: str) -> None:
    parser = ConfigParser(interpolation=None)
    parser.read(files())
    values = {
        key: value
        for section in ("global", "install")
        if parser.has_section(section)
        for key, value in parser[section].items()
    }
    values |= {
        name[4:].lower().replace("_", "-"): value for name, value in os.environ.items() if name.startswith("PIP_")
    }
    print("[global]", f"cert = {ca_bundle}", *(f"{key} = {values[key]}" for key in KEYS if values.get(key)), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1])
