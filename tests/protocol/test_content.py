"""Contents: every kind comes back, and every bound is named."""

import pytest

from peerpost_protocol import limits
from peerpost_protocol.content import (
    Body,
    Content,
    Correlation,
    Data,
    Deletion,
    Edit,
    File,
    Files,
    Presentation,
    Reaction,
    ReadMark,
    Text,
    decode_content,
    encode_content,
)
from peerpost_protocol.errors import MalformedError, TooLargeError, UnsupportedContentError
from peerpost_protocol.wire import encode
from tests.support.people import digest

MESSAGE = digest("message")[:16]
ALICE = "alice@example.org"
PLACE = (digest("card"), digest("channel"), 1)
WIDE = "語" * (limits.MAX_TEXT // 3 + 1)


def holding(body: Body) -> Content:
    return Content(digest("card"), digest("channel"), 1, None, None, body, None)


@pytest.mark.parametrize(
    "body",
    [
        Text(""),
        Text("día\x00 \U0001f600"),
        Text("x" * limits.MAX_TEXT_CHARACTERS),
        Data("application/json", b"{}"),
        Data("text/plain; charset=utf-8", bytes(limits.MAX_DATA)),
        Files("", (File(digest("b"), digest("k"), 10, digest("p"), "a.txt", "text/plain", None),)),
        Files("look", (File(digest("b"), digest("k"), 0, digest("p"), "a", "a/b", b"png"),) * 16),
        Reaction(MESSAGE, ALICE, "\U0001f600", withdrawn=False),
        Edit(MESSAGE, "better"),
        Deletion(MESSAGE, ALICE),
        ReadMark(7),
    ],
    ids=lambda body: type(body).__name__,
)
def test_every_body_comes_back(body: Body) -> None:
    assert decode_content(encode_content(holding(body))) == holding(body)


def test_reply_and_correlation_come_back() -> None:
    correlation = Correlation(MESSAGE, answers=True)
    content = Content(digest("card"), digest("channel"), 1, MESSAGE, correlation, Text("yes"), None)
    assert decode_content(encode_content(content)) == content


def test_a_presentation_comes_back() -> None:
    shown = Presentation("Disk", 5, ("disk", "full"), (ALICE,), markdown=True)
    content = Content(digest("card"), digest("channel"), 1, None, None, Text("*full*"), shown)
    assert decode_content(encode_content(content)) == content


@pytest.mark.parametrize(
    "shown",
    [
        Presentation("x" * 251, 3, (), (), markdown=False),
        Presentation(None, 0, (), (), markdown=False),
        Presentation(None, 6, (), (), markdown=False),
        Presentation(None, 3, ("",), (), markdown=False),
        Presentation(None, 3, ("x",) * 17, (), markdown=False),
        Presentation(None, 3, (), ("Alice",), markdown=False),
        Presentation(None, 3, (), (ALICE,) * 33, markdown=False),
    ],
)
def test_a_presentation_outside_its_form_is_refused(shown: Presentation) -> None:
    content = Content(digest("card"), digest("channel"), 1, None, None, Text(""), shown)
    with pytest.raises(MalformedError) as refused:
        decode_content(encode(content))
    assert str(refused.value.field).startswith("content.presentation")


@pytest.mark.parametrize(
    ("body", "field"),
    [(Text(WIDE), "text"), (Edit(MESSAGE, WIDE), "text"), (Data("a/b", bytes(2**18 + 1)), "data")],
    ids=["text", "edit", "data"],
)
def test_a_body_over_its_bound_in_bytes_is_neither_made_nor_taken(body: Body, field: str) -> None:
    with pytest.raises(TooLargeError) as ours:
        encode_content(holding(body))
    assert ours.value.field == field
    with pytest.raises(MalformedError):
        decode_content(encode(holding(body)))


def test_a_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(MalformedError):
        encode_content(holding(Text("\ud800")))


@pytest.mark.parametrize(
    "media_type",
    ["", "text", "Text/plain", "text/plain\n", "a/b;\x1b", "a/" + "b" * 126, "/", "a/é"],
)
def test_a_media_type_outside_its_form_is_refused(media_type: str) -> None:
    with pytest.raises(MalformedError) as refused:
        decode_content(encode(holding(Data(media_type, b""))))
    assert str(refused.value.field).startswith("content.body")


@pytest.mark.parametrize(
    "body",
    [
        Text("x" * (limits.MAX_TEXT_CHARACTERS + 1)),
        Files("", (File(bytes(31), bytes(32), 1, bytes(32), "a", "a/b", None),)),
        Files("", (File(bytes(32), bytes(32), 1, bytes(32), "", "a/b", None),)),
        Files("", (File(bytes(32), bytes(32), 1, bytes(32), "a", "a/b", bytes(8193)),)),
        Files("", (File(bytes(32), bytes(32), 1, bytes(32), "a", "a/b", None),) * 17),
        Files("", ()),
        Reaction(MESSAGE, ALICE, "", withdrawn=True),
        Reaction(MESSAGE, ALICE, "x" * 33, withdrawn=True),
        Deletion(bytes(15), ALICE),
        Deletion(MESSAGE, "alice"),
        ReadMark(2**53),
    ],
)
def test_a_body_outside_its_form_is_refused(body: Body) -> None:
    with pytest.raises(MalformedError) as refused:
        decode_content(encode(holding(body)))
    assert str(refused.value.field).startswith("content.body")


@pytest.mark.parametrize("body", [("poem", "x"), ("poem",), ("poem", {"a": [1, 2]}, None)])
def test_a_body_of_an_unknown_kind_is_told_from_a_malformed_one(body: tuple[object, ...]) -> None:
    with pytest.raises(UnsupportedContentError) as refused:
        decode_content(encode((*PLACE, None, None, body, None)))
    assert refused.value.kind == "unsupported_content"
    assert refused.value.place == PLACE


@pytest.mark.parametrize(
    "row",
    [
        (*PLACE, None, None, ("text", 1), None),
        (*PLACE, None, None, ("text", "x", "y"), None),
        (*PLACE, None, None, ("Poem", "x"), None),
        (*PLACE, None, None, ("p" * 33, "x"), None),
        (*PLACE, None, None, ("\x1b[2J", "x"), None),
        (*PLACE, None, None, (), None),
        (*PLACE, None, None, "poem", None),
        (*PLACE, None, None, ("poem", "x"), 7),
        (*PLACE, None, None, ("poem", "x"), None, None),
        (b"short", *PLACE[1:], None, None, ("poem", "x"), None),
    ],
)
def test_what_is_malformed_is_no_unknown_kind(row: tuple[object, ...]) -> None:
    with pytest.raises(MalformedError) as refused:
        decode_content(encode(row))
    assert refused.value.kind == "malformed"
