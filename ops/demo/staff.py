"""A signed-in member of staff."""

from ops.demo.caller import Caller
from ops.demo.story import expect
from ops.demo.world import World


class Staff(Caller):
    """Calls the API with a token."""

    def __init__(self, world: World, role: str) -> None:
        super().__init__(world)
        self._login = world.login(role)
        self.sign_in()

    def sign_in(self) -> None:
        """Fetch an access token."""
        body = {name: self._login[name] for name in ("org", "email", "password")}
        answer = self.world.api("POST", "/v1/auth/login", json=body)
        expect(answer.status_code == 200, f"sign-in answered {answer.status_code}: {answer.text}")
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
