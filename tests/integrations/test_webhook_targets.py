"""Where webhooks may not go, tried on the wire: listeners that must see no connection."""

from ipaddress import ip_address, ip_network

import pytest

from shared.core.errors import Invalid
from shared.core.settings import Settings
from shared.core.webhook_urls import WebhookUrlError, host_of
from shared.integrations.export.addresses import refusal_of
from tests.exports.receivers import Receiver, receiver, says
from tests.integrations.webhook_senders import make_sender, message, sent, to_here

FORBIDDEN_HOSTS = [
    "127.0.0.1",
    "127.0.0.2",
    "127.8.8.8",
    "localhost",
    "LOCALHOST",
    "0.0.0.0",
    "\uff11\uff12\uff17\uff0e\uff10\uff0e\uff10\uff0e\uff11",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
]
"""They lead to this machine, or would where tunnels and translators are."""
UNREADABLE_HOSTS = [
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0.0.0x1",
    "127.0.0.01",
    "00127.0.0.1",
    "127.0.0.1.",
    "localhost.",
    "\u2460\u2461\u2466.0.0.1.",
    "127\u30021",
    "user@127.0.0.1",
    "127.0.0.1@localhost",
    "user:password@localhost",
    "[::1%25lo]",
    "[::1%lo]",
    "[fe80::1%25eth0]",
    "[::ffff:127.1]",
    "[127.0.0.1]",
    "local\\host",
    "127.0.0.1\\@example.com",
    "127%2e0%2e0%2e1",
    "loc\talhost",
    "localhost\n",
    " localhost",
    "a" * 64 + ".example.com",
    ".".join(["a" * 50] * 6),
    "",
]
"""Two programs could read them in two ways; none is sent to anywhere."""


def allowed(host: str) -> tuple[str, ...]:
    """The host as the only one of an allow list, so that its address alone is to blame; none for what is no host."""
    try:
        return (host_of(host.strip("[]")),)
    except WebhookUrlError:
        return ()


@pytest.mark.parametrize("host", FORBIDDEN_HOSTS)
def test_nothing_reaches_this_machine(settings: Settings, listeners: list[Receiver], host: str) -> None:
    for each in listeners:
        sender = make_sender(settings, allowed_hosts=tuple(f"[{one}]" if ":" in one else one for one in allowed(host)))
        for scheme in ("http", "https"):
            url = f"{scheme}://{host}:{each.port}/"
            assert sent(sender, url) == "webhooks.forbidden_target"
            with pytest.raises(Invalid):
                sender.check_target(url)
    assert [each.connections for each in listeners] == [0] * len(listeners)


@pytest.mark.parametrize("host", UNREADABLE_HOSTS)
def test_what_can_be_read_in_two_ways_is_no_target(settings: Settings, listeners: list[Receiver], host: str) -> None:
    sender = make_sender(settings)
    for each in listeners:
        assert sent(sender, f"http://{host}:{each.port}/") == "webhooks.url"
        with pytest.raises(Invalid):
            sender.check_url(f"http://{host}:{each.port}/")
    assert [each.connections for each in listeners] == [0] * len(listeners)


@pytest.mark.parametrize(
    "address",
    """0.0.0.1 10.0.0.1 100.64.0.1 100.127.255.254 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16
    169.254.169.254 172.16.0.1 172.31.255.254 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1
    198.19.255.254 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1
    ::ffff:8.8.8.8 ::ffff:0:0808:0808 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 2001:0:4136::1 2001:2::1 2001:10::1
    2001:20::1 2001:db8::1 2002:808:808::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 febf::1 fec0::1 ff02::1
    4000::1""".split(),
)
def test_special_addresses_are_refused(address: str) -> None:
    assert refusal_of(ip_address(address))


@pytest.mark.parametrize(
    "address",
    "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.0.1 100.128.0.1 172.15.0.1 172.32.0.1 192.169.0.1 "
    "223.255.255.254 2606:4700::1111 2a00:1450:4001::1 2001:4860:4860::8888".split(),
)
def test_public_addresses_are_not(address: str) -> None:
    assert refusal_of(ip_address(address)) is None


def test_whatever_python_does_not_call_global_is_refused() -> None:
    """Its list is another one than ours, from the same registries."""
    for block in range(256):
        for network in (f"{block}.0.0.0/8", f"{block:02x}00::/8"):
            for address in (ip_network(network)[0], ip_network(network)[1], ip_network(network)[-2]):
                assert address.is_global or refusal_of(address), address


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(settings: Settings, listeners: list[Receiver], status: int) -> None:
    location = f"Location: http://127.0.0.2:{listeners[1].port}/"
    with receiver(says(status, b"", location)) as outside:
        answer = to_here(settings, allowed_hosts=("127.0.0.1", "127.0.0.2")).send(outside.url, message())
    assert (answer.status, answer.is_success) == (status, False)
    assert listeners[1].connections == 0


@pytest.mark.parametrize(
    ("url", "allow_http", "allowed_hosts", "is_fine"),
    [
        ("https://8.8.8.8/", False, (), True),
        ("https://8.8.8.8:8443/", False, (), True),
        ("https://8.8.8.8:8080/", False, (), False),
        ("https://8.8.8.8:22/", False, (), False),
        ("https://8.8.8.8:6379/", True, (), False),
        ("http://8.8.8.8/", False, (), False),
        ("http://8.8.8.8:443/", False, (), False),
        ("http://8.8.8.8/", True, (), True),
        ("http://8.8.8.8:8080/", True, (), True),
        ("https://8.8.8.8:9999/", False, ("8.8.8.8",), True),
        ("https://8.8.8.8:9999/", False, ("8.8.8.8:9999",), True),
        ("https://8.8.8.8/", False, ("8.8.8.8:9999",), False),
        ("https://8.8.8.8/", False, ("hooks.example.com", "8.8.4.4"), False),
        ("https://HOOKS.example.com/", False, ("hooks.Example.com",), True),
        ("https://sub.hooks.example.com/", False, ("hooks.example.com",), False),
        ("https://hooks.example.com.evil.test/", False, ("hooks.example.com",), False),
        ("https://bücher.example/", False, ("xn--bcher-kva.example",), True),
        ("https://[2606:4700::1111]:444/", False, ("[2606:4700:0::1111]:444",), True),
        ("ftp://8.8.8.8/", True, (), False),
        ("file:///etc/passwd", True, (), False),
        ("gopher://8.8.8.8/", True, (), False),
        ("//8.8.8.8/", True, (), False),
        ("8.8.8.8", True, (), False),
        ("https://8.8.8.8:0/", True, ("8.8.8.8",), False),
        ("https://8.8.8.8:65536/", True, ("8.8.8.8",), False),
        ("https://8.8.8.8:4\uff143/", True, ("8.8.8.8",), False),
        ("https://8.8.8.8/#part", True, (), False),
        ("https://8.8.8.8/a b", True, (), False),
        ("https://8.8.8.8/\r\nX-Evil: 1", True, (), False),
        ("https://8.8.8.8/caf\u00e9", True, (), False),
        ("https://8.8.8.8/caf%C3%A9?of=us&to=x", True, (), True),
        ("https://8.8.8.8/" + "a" * 2048, True, (), False),
        ("https://xn--a.example/", True, (), False),
        ("https://under_score.example.com/", True, (), False),
        ("https://-dash.example.com/", True, (), False),
    ],
)
def test_schemes_ports_and_hosts(
    settings: Settings, url: str, allow_http: bool, allowed_hosts: tuple[str, ...], is_fine: bool
) -> None:
    sender = make_sender(settings, allow_http=allow_http, allowed_hosts=allowed_hosts)
    if is_fine:
        sender.check_url(url)
    else:
        with pytest.raises(Invalid):
            sender.check_url(url)


def test_the_environment_sends_nothing_elsewhere(
    settings: Settings, listeners: list[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.2:{listeners[1].port}")
    assert not isinstance(sent(to_here(settings), listeners[0].url), str)
    assert (listeners[0].connections, listeners[1].connections) == (1, 0)
    assert "authorization" not in listeners[0].requests[0].headers
