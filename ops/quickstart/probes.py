"""Questions to a running system over HTTP."""

import json
import urllib.error
import urllib.request
from typing import Any

# Without this a proxy of the caller's environment would be asked for 127.0.0.1.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(url: str, timeout: float = 2.0) -> bool:
    """Whether GET gives a 2xx within `timeout` seconds."""
    try:
        with _opener.open(url, timeout=timeout):
            return True
    except (OSError, ValueError):
        return False


def json_answer(url: str, timeout: float = 3.0) -> dict[str, Any]:
    """The JSON object at the URL, whatever the status; empty when there is none."""
    try:
        try:
            with _opener.open(url, timeout=timeout) as response:
                content = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                content = json.load(error)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
