"""Talking to the sandbox's S3 as Amazon's operators would, and settings that point the product at it."""

from typing import Any

import requests
from pydantic import SecretStr

from ops.sandbox.s3.names import ACCESS_KEY, BUCKET, R2_BUCKET, REGION, SECRET_KEY


class SandboxS3:
    """The S3 of the sandbox whose ports are `ports`."""

    def __init__(self, ports: dict[str, int]) -> None:
        self.url = f"http://127.0.0.1:{ports['s3_port']}"
        self._api = f"http://127.0.0.1:{ports['http_port']}/api/s3"
        self._session = requests.Session()
        self._session.trust_env = False

    def fault(self, mode: str, **more: Any) -> None:
        """Make requests go wrong from now on."""
        self._call("PUT", "fault", {"mode": mode} | more)

    def objects(self, prefix: str = "") -> list[dict[str, Any]]:
        """What is kept in all buckets."""
        return [each for each in self._call("GET", "objects")["data"] if each["key"].startswith(prefix)]

    def requests(self) -> list[dict[str, Any]]:
        """What was asked, oldest first."""
        found: list[dict[str, Any]] = self._call("GET", "requests")["data"]
        return found

    def forget(self, bucket: str, key: str) -> None:
        """Let an object disappear."""
        self._call("POST", "forget", {"bucket": bucket, "key": key})

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(method, f"{self._api}/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()


def storage_settings(s3: SandboxS3) -> dict[str, Any]:
    """Settings of the backends `s3` and `r2`, both in the sandbox."""
    return {
        "s3_endpoint": s3.url,
        "s3_bucket": BUCKET,
        "s3_region": REGION,
        "s3_access_key": ACCESS_KEY,
        "s3_secret_key": SecretStr(SECRET_KEY),
        "r2_endpoint": s3.url,
        "r2_bucket": R2_BUCKET,
        "r2_access_key": ACCESS_KEY,
        "r2_secret_key": SecretStr(SECRET_KEY),
    }
