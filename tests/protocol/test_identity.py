"""Identities: one written form, and no two that read the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerpost_protocol.errors import MalformedError
from peerpost_protocol.identity import normalise


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("alice@example.org", "alice@example.org"),
        ("  Alice@Example.ORG\n", "alice@example.org"),
        ("backup@db1.example.org", "backup@db1.example.org"),
        ("a.b+c-d_e@localhost", "a.b+c-d_e@localhost"),
        ("_cron@x", "_cron@x"),
    ],
)
def test_what_people_type_has_one_written_form(typed: str, written: str) -> None:
    assert normalise(typed) == written


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "alice",
        "@example.org",
        "alice@",
        "al ice@example.org",
        "alice@@example.org",
        "alice@example..org",
        "alice@-example.org",
        "alice@example-.org",
        ".alice@example.org",
        "alice.@example.org",
        "al..ice@example.org",
        "alice@example.org\x00",
        "alice@example.org\nbob",
        "\u0430lice@example.org",  # a Cyrillic letter
        "al\u0131ce@example.org",  # a dotless i, which upper-cases to I
        "Kelvin\u212a@example.org",
        "a" * 65 + "@example.org",
        "a@" + ".".join(["b"] * 10),
        "a@" + ".".join(["b" * 60] * 5),
        "*@example.org",
    ],
)
def test_everything_else_is_refused(typed: str) -> None:
    with pytest.raises(MalformedError) as refused:
        normalise(typed, field="to")
    assert (refused.value.kind, refused.value.field) == ("bad_identity", "to")


@given(st.text(max_size=40) | st.from_regex(r"\A[A-Za-z.]{1,9}@[A-Za-z.-]{1,9}\Z"))
def test_the_written_form_stays_what_it_is(typed: str) -> None:
    try:
        written = normalise(typed)
    except MalformedError:
        return
    assert normalise(written) == written
    assert written.isascii()
    assert written == written.lower()
