"""Talking to the sandbox's Cloudflare Images as its operators would, and settings that point the product at it."""

from typing import Any

import requests
from pydantic import SecretStr

from ops.sandbox.cloudflare import account


class SandboxCloudflare:
    """Cloudflare Images of the sandbox whose ports are `ports`."""

    def __init__(self, ports: dict[str, int]) -> None:
        self.url = f"http://127.0.0.1:{ports['http_port']}"
        self._session = requests.Session()
        self._session.trust_env = False

    def reset(self) -> None:
        """No fault in force, and nothing called yet."""
        self.fault("ok")
        self._call("DELETE", "calls")

    def fault(self, mode: str, **more: Any) -> None:
        """Make calls go wrong from now on."""
        self._call("PUT", "fault", {"mode": mode} | more)

    def images(self, prefix: str = "") -> list[dict[str, Any]]:
        """The images whose path begins so, newest first."""
        found = self._call("GET", "images").json()["data"]
        return [each for each in found if str(each["metadata"].get("path", "")).startswith(prefix)]

    def calls(self) -> list[str]:
        """The operations that were called, in their order."""
        return [each["operation"] for each in self._call("GET", "calls").json()["data"]]

    def forget(self, image_id: str) -> None:
        """Let an image disappear."""
        self._call("POST", "forget", {"id": image_id})

    def of_somebody_else(self, content: bytes, metadata: str) -> str:
        """The id of an image that another program has put into the account."""
        place = self._session.post(
            f"{self.url}/client/v4/accounts/{account.ACCOUNT_ID}/images/v2/direct_upload",
            headers={"Authorization": f"Bearer {account.API_TOKEN}"},
            files={"metadata": (None, metadata)},
            timeout=10,
        ).json()["result"]
        self._session.post(place["uploadURL"], files={"file": ("x", content)}, timeout=10).raise_for_status()
        return str(place["id"])

    def _call(self, method: str, path: str, body: Any = None) -> requests.Response:
        answer = self._session.request(method, f"{self.url}/api/cloudflare/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer


def cloudflare_settings(cloudflare: SandboxCloudflare) -> dict[str, Any]:
    """Settings of the backend `cloudflare_images`, in the sandbox."""
    return {
        "cf_images_api_base": cloudflare.url,
        "cf_images_delivery_base": cloudflare.url + account.DELIVERY_PATH,
        "cf_images_account_id": account.ACCOUNT_ID,
        "cf_images_api_token": SecretStr(account.API_TOKEN),
        "cf_images_account_hash": account.ACCOUNT_HASH,
        "cf_images_signing_key": SecretStr(account.SIGNING_KEY),
    }
