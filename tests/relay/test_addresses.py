"""What counts as one address, and whom a proxy speaks for."""

import pytest

from peerpost_relay.addresses import Proxies, forwarded_for, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", None),
        ("127.0.0.1", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
    ],
)
def test_an_address_counts_as_its_network(address: str, network: str | None) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ([], None),
        (["192.0.2.1"], "192.0.2.1"),
        (["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
        (["192.0.2.9", "192.0.2.1 "], "192.0.2.1"),
        (["2001:DB8::1"], "2001:db8::1"),
        (["192.0.2.1:4711"], "192.0.2.1"),
        (["[2001:DB8::1]"], "2001:db8::1"),
        (["203.0.113.9, [2001:db8::1]:443"], "2001:db8::1"),
        (["192.0.2.1:"], None),
        (["[192.0.2.1:443"], None),
        (["[2001:db8::1]:x"], None),
        (["192.0.2.1, unknown"], None),
        (["192.0.2.1" + " " * 100 + "x" * 65], None),
        ([""], None),
    ],
)
def test_the_nearest_proxy_names_its_client(headers: list[str], address: str | None) -> None:
    assert forwarded_for(headers) == address


@pytest.mark.parametrize(
    ("address", "believed"),
    [
        ("127.0.0.1", True),
        ("::ffff:10.1.2.3", True),
        ("unix", True),
        ("192.0.2.1", False),
        ("::1", False),
        ("nonsense", False),
    ],
)
def test_only_named_proxies_and_unix_sockets_speak_for_others(address: str, believed: bool) -> None:
    assert Proxies(["127.0.0.0/8", "10.0.0.0/8"]).believes(address) is believed
