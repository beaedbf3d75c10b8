"""HKDF-SHA256 against RFC 5869, appendix A."""

import pytest

from peerpost_protocol import hkdf
from peerpost_protocol.errors import MalformedError


def test_the_basic_case_of_the_rfc() -> None:
    prk = hkdf.extract(bytes(range(13)), b"\x0b" * 22)
    assert prk.hex() == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
    assert hkdf.expand(prk, bytes(range(0xF0, 0xFA)), 42).hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


def test_the_long_case_of_the_rfc_takes_several_blocks() -> None:
    prk = hkdf.extract(bytes(range(0x60, 0xB0)), bytes(range(0x50)))
    assert hkdf.expand(prk, bytes(range(0xB0, 0x100)), 82).hex() == (
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
        "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
        "cc30c58179ec3e87c14c01d5c1f3434f1d87"
    )


@pytest.mark.parametrize("length", [0, 31, 32, 33, 64, 65, hkdf.MAXIMUM_EXPANDED])
def test_a_shorter_output_is_the_beginning_of_a_longer_one(length: int) -> None:
    longest = hkdf.expand(bytes(32), b"info", hkdf.MAXIMUM_EXPANDED)
    assert hkdf.expand(bytes(32), b"info", length) == longest[:length]


@pytest.mark.parametrize("length", [-1, hkdf.MAXIMUM_EXPANDED + 1])
def test_a_length_outside_the_rfc_is_refused(length: int) -> None:
    with pytest.raises(MalformedError):
        hkdf.expand(bytes(32), b"", length)
