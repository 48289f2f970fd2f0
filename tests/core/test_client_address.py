"""Who a request is from, behind proxies that are trusted and strangers who claim to be."""

from typing import Any

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from api.core.client_address import LONGEST, client_address
from shared.core.networks import read_addresses, read_networks
from shared.core.settings import Settings
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD, make_person
from tests.factories.organizations import Company
from tests.rows import row
from tests.variants import client_on, with_settings

TRUST = {
    "trust_proxy_headers": True,
    "trusted_proxy_ips": read_addresses(["192.0.2.10", "2001:db8::10", "::ffff:192.0.2.11"]),
    "trusted_proxy_cidrs": read_networks(["10.0.0.0/8", "fd00::/8"]),
}
PROXY, STRANGER = "192.0.2.10", "203.0.113.66"
CLIENT = "198.51.100.7"


def _address(settings: Settings, peer: str | None, *headers: str, **changes: Any) -> str:
    environ = EnvironBuilder(headers=[("X-Forwarded-For", header) for header in headers]).get_environ()
    if peer is not None:
        environ["REMOTE_ADDR"] = peer
    return client_address(Request(environ), settings.model_copy(update=TRUST | changes))


CASES: dict[str, tuple[str, list[str], str]] = {
    # name: (peer, lines of X-Forwarded-For, the client)
    "a stranger is the client": (STRANGER, [], STRANGER),
    "a stranger's claim is nothing": (STRANGER, [CLIENT], STRANGER),
    "a stranger's claim to be a proxy is nothing": (STRANGER, [PROXY], STRANGER),
    "one proxy": (PROXY, [CLIENT], CLIENT),
    "a proxy in a trusted network": ("10.200.3.4", [CLIENT], CLIENT),
    "a proxy next to the trusted network": ("11.0.0.1", [CLIENT], "11.0.0.1"),
    "two proxies": (PROXY, [f"{CLIENT}, 10.0.0.5"], CLIENT),
    "three proxies of both families": (PROXY, [f"{CLIENT}, fd00::5, 10.0.0.5"], CLIENT),
    "a proxy that is missing in the lists": (PROXY, [f"{CLIENT}, {STRANGER}, 10.0.0.5"], STRANGER),
    "forged left side": (PROXY, [f"1.1.1.1, {CLIENT}"], CLIENT),
    "forged left side that names proxies": (PROXY, [f"{PROXY}, 10.0.0.5, {CLIENT}, 10.0.0.5"], CLIENT),
    "forged left side that is junk": (PROXY, [f"<script>, ,,unknown, {CLIENT}"], CLIENT),
    "forged in a line of its own": (PROXY, ["1.1.1.1", CLIENT], CLIENT),
    "two lines are one list": (PROXY, [f"1.1.1.1, {CLIENT}", "10.0.0.5, 10.0.0.6"], CLIENT),
    "no header": (PROXY, [], PROXY),
    "empty header": (PROXY, [""], PROXY),
    "commas only": (PROXY, [",,,"], PROXY),
    "only proxies": (PROXY, ["10.0.0.7, 10.0.0.6, 10.0.0.5"], "10.0.0.7"),
    "junk at the right": (PROXY, [f"{CLIENT}, unknown"], PROXY),
    "junk behind a proxy": (PROXY, [f"{CLIENT}, _hidden, 10.0.0.5"], "10.0.0.5"),
    "a gap behind a proxy": (PROXY, [f"{CLIENT}, , 10.0.0.5"], "10.0.0.5"),
    "spaces and tabs": (PROXY, [f"1.1.1.1,\t {CLIENT} \t,10.0.0.5 "], CLIENT),
    "no spaces": (PROXY, [f"1.1.1.1,{CLIENT},10.0.0.5"], CLIENT),
    "a port": (PROXY, [f"{CLIENT}:5678"], CLIENT),
    "a proxy with a port": (PROXY, [f"{CLIENT}, 10.0.0.5:443"], CLIENT),
    "IPv6": (PROXY, ["2001:DB8:0:0::7"], "2001:db8::7"),
    "IPv6 in brackets": (PROXY, ["[2001:db8::7]"], "2001:db8::7"),
    "IPv6 with a port": (PROXY, ["[2001:db8::7]:443"], "2001:db8::7"),
    "an IPv6 peer": ("2001:db8::10", ["2001:db8::7"], "2001:db8::7"),
    "an IPv6 peer that is written long": ("2001:db8:0:0:0:0:0:10", [CLIENT], CLIENT),
    "an IPv6 stranger": ("2001:DB8::66", [CLIENT], "2001:db8::66"),
    "an IPv4 peer on a socket for both": (f"::ffff:{PROXY}", [CLIENT], CLIENT),
    "an IPv4 stranger on a socket for both": (f"::ffff:{STRANGER}", [CLIENT], STRANGER),
    "an IPv4 client in IPv6": (PROXY, [f"::ffff:{CLIENT}"], CLIENT),
    "an IPv4 client in IPv6, in hexadecimal": (PROXY, ["[::ffff:c633:6407]:1"], CLIENT),
    "an IPv4 proxy in IPv6": (PROXY, [f"{CLIENT}, ::ffff:10.0.0.5"], CLIENT),
    "a proxy that the operator has listed as IPv4 in IPv6": ("192.0.2.11", [CLIENT], CLIENT),
    "a peer with an interface": ("fd00::5%eth0", [CLIENT], CLIENT),
    "a stranger with an interface": ("fe80::66%eth0", [CLIENT], "fe80::66"),
    "a Unix socket": ("", [CLIENT], CLIENT),
    "a Unix socket and a proxy": ("", [f"1.1.1.1, {CLIENT}, 10.0.0.5"], CLIENT),
    "a Unix socket that says nothing": ("", [], "unknown"),
    "a Unix socket that says junk": ("", ["junk"], "unknown"),
    "as many entries as are looked at": (PROXY, [", ".join([CLIENT] + ["10.0.0.5"] * (LONGEST - 1))], CLIENT),
    "one more than are looked at": (PROXY, [", ".join([CLIENT] + ["10.0.0.5"] * LONGEST)], "10.0.0.5"),
    "many forged entries": (PROXY, [", ".join(["1.1.1.1"] * 500 + [CLIENT])], CLIENT),
    "only commas, very many": (PROXY, ["," * 8000], PROXY),
}


@pytest.mark.parametrize(("peer", "headers", "client"), CASES.values(), ids=CASES.keys())
def test_the_client_is(settings: Settings, peer: str, headers: list[str], client: str) -> None:
    assert _address(settings, peer, *headers) == client


JUNK = [
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "010.1.1.1",
    "0x7f.0.0.1",
    "16909060",
    "1.2.3.4:",
    "1.2.3.4:http",
    "1.2.3.4:123456",
    "1.2.3.4 5.6.7.8",
    "\u0661.2.3.4",
    "[::1",
    "::1]",
    "[::1]443",
    "[::1]:",
    "[1.2.3.4]:80",
    "[]",
    "[]:80",
    ":::",
    "1::2::3",
    "fe80::1%eth0",
    "[fe80::1%25eth0]:80",
    "12345::",
    "::ffff:1.2.3.256",
    '"1.2.3.4"',
    "for=1.2.3.4",
    "localhost",
    "1.2.3.4/32",
    "-",
    "\x00",
    "1.2.3.4\x00",
    "1" * 5000,
    ":" * 5000,
]


@pytest.mark.parametrize("junk", JUNK)
def test_what_is_no_address_ends_the_list(settings: Settings, junk: str) -> None:
    environ = EnvironBuilder(environ_overrides={"REMOTE_ADDR": PROXY}).get_environ()
    environ["HTTP_X_FORWARDED_FOR"] = f"{CLIENT}, {junk}, 10.0.0.5"
    assert client_address(Request(environ), settings.model_copy(update=TRUST)) == "10.0.0.5"


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        (PROXY, PROXY),
        (STRANGER, STRANGER),
        (f"::ffff:{PROXY}", PROXY),
        ("2001:db8::10", "2001:db8::10"),
        ("fe80::66%eth0", "fe80::66"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_without_trust_the_peer_is_the_client(settings: Settings, peer: str | None, client: str) -> None:
    assert _address(settings, peer, CLIENT, trust_proxy_headers=False) == client


def _audited_address(client: CheckedClient, company: Company, peer: str, *forwarded: str) -> Any:
    person, email = make_person(company.org_id)
    answer = client.post(
        "/v1/auth/login",
        json={"email": email, "password": PASSWORD},
        headers=[("X-Forwarded-For", each) for each in forwarded],
        environ_overrides={"REMOTE_ADDR": peer},
    )
    assert answer.status_code == 200
    return row(
        "SELECT address FROM audit_entries WHERE actor_id = :id AND action = 'identity.sign_in'", id=person.user_id
    )["address"]


def test_a_sign_in_is_audited_with_the_clients_address(company: Company) -> None:
    client = client_on(with_settings(company.services, **TRUST))
    assert _audited_address(client, company, PROXY, "1.1.1.1", CLIENT) == CLIENT
    assert _audited_address(client, company, STRANGER, "1.1.1.1", CLIENT) == STRANGER


def test_a_sign_in_without_trust_is_audited_with_the_peers_address(client: CheckedClient, company: Company) -> None:
    assert _audited_address(client, company, PROXY, CLIENT) == PROXY


def test_what_is_done_in_a_session_is_audited_with_the_clients_address(company: Company) -> None:
    client = client_on(with_settings(company.services, **TRUST))
    made = client.post(
        "/v1/clients",
        json={"name": "Bo", "email": "bo@client.test"},
        headers=company.headers() | {"X-Forwarded-For": f"1.1.1.1, {CLIENT}:5678"},
        environ_overrides={"REMOTE_ADDR": PROXY},
    )
    assert made.status_code == 201
    audited = row("SELECT address FROM audit_entries WHERE resource_id = :id", id=made.get_json()["id"])
    assert audited["address"] == CLIENT
