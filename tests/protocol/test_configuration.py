"""One struct declares the settings: text, variables and options become it, or an error that names one."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from peerpost_protocol import configuration
from peerpost_protocol.configuration import Live, check_owner, example, read, reference, settings_of
from peerpost_protocol.errors import MalformedError


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """Be one of several."""

    name: str  # what it is called


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """Be a table."""

    wait_seconds: Live[Annotated[float, Meta(gt=0)]] = 1.5  # how long


class Base(Struct, frozen=True, kw_only=True):
    """Hold what others take over."""

    folder: Path  # where
    # several lines
    # say what it is
    level: Literal["low", "high"] = "low"


class Whole(Base, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Be a configuration."""

    count: Annotated[int, Meta(ge=1, le=9)] = 3  # how many
    word: str | None = None
    rows: tuple[Row, ...] = ()  # all of them
    table: Table = Table()


HERE: dict[str, object] = {"folder": "/here"}


def given(text: str = "", **more: Any) -> Whole:
    return read(Whole, text.encode(), **{"defaults": HERE, "prefix": "PRE_"} | more)


def refused(text: str = "", **more: Any) -> MalformedError:
    with pytest.raises(MalformedError) as raised:
        given(text, **more)
    return raised.value


def test_nothing_given_is_the_defaults() -> None:
    assert given() == Whole(folder=Path("/here"))


def test_the_file_wins_over_what_the_surroundings_say() -> None:
    assert given('folder = "/there"').folder == Path("/there")


def test_a_variable_wins_over_the_file_and_an_option_over_both() -> None:
    variables = {"PRE_COUNT": "5", "PRE_TABLE_WAIT_SECONDS": "2", "OTHER": "x"}
    found = given("count = 4", environment=variables, assigned=["table.wait_seconds=3"])
    assert (found.count, found.table.wait_seconds) == (5, 3)


def test_a_text_needs_no_quotes_outside_the_file() -> None:
    assert given(assigned=["word=1"]).word == "1"


def test_tables_of_an_array_are_read() -> None:
    assert given('[[rows]]\nname = "a"\n[[rows]]\nname = "b"').rows == (Row("a"), Row("b"))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("cuont = 1", "cuont"),
        ("[table]\nwait = 1", "table.wait"),
        ('[[rows]]\nnmae = "a"', "rows.nmae"),
    ],
)
def test_an_unknown_setting_names_the_nearest_one(text: str, field: str) -> None:
    error = refused(text)
    assert (error.kind, error.field) == ("unknown_setting", field)
    assert "did you mean " in error.detail


def test_an_unknown_variable_names_the_nearest_one() -> None:
    error = refused(environment={"PRE_CUONT": "1"})
    assert error.field == "PRE_CUONT"
    assert "did you mean PRE_COUNT?" in error.detail


def test_a_reserved_variable_is_no_setting() -> None:
    assert given(environment={"PRE_FILE": "x"}, reserved={"PRE_FILE"}) == given()


@pytest.mark.parametrize(
    ("assignment", "field"),
    [
        ("count=10", "count"),
        ("count=many", "count"),
        ("level=middle", "level"),
        ("table.wait_seconds=0", "table.wait_seconds"),
        ("folder=", "folder"),
        ("folder=a\0b", "folder"),
    ],
)
def test_a_value_outside_its_bound_names_its_setting(assignment: str, field: str) -> None:
    error = refused(assigned=[assignment])
    assert (error.kind, error.field) == ("bad_setting", field)


def test_an_option_without_a_value_is_refused() -> None:
    assert refused(assigned=["count"]).field == "count"


@pytest.mark.parametrize("text", [b"=", b"\xff", b"a = " + b"[" * 100_000, b"#" * 1_048_577])
def test_what_is_no_toml_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedError) as raised:
        read(Whole, text)
    assert raised.value.kind == "bad_configuration"


def test_a_setting_is_described_by_the_comment_beside_it() -> None:
    about = {one.path: one.description for one in settings_of(Whole)}
    assert about["level"] == "several lines say what it is"
    assert about["count"] == "how many"
    assert about["table.wait_seconds"] == "how long"
    assert about["word"] == ""


def test_the_example_says_every_setting_at_its_default_and_can_be_read() -> None:
    text = example(Whole, "A title.")
    for line in ("#count = 3", '#level = "low"', "# [[rows]]", "[table]", "#wait_seconds = 1.5"):
        assert line in text.splitlines()
    assert given(text) == given()


def test_the_reference_names_unit_default_bound_and_meaning() -> None:
    lines = reference(Whole).splitlines()
    assert "| `wait_seconds` (s) | `1.5` | over 0 | live | how long |" in lines
    assert "| `count` | `3` | from 1 to 9 | restart | how many |" in lines
    assert '| `level` | `"low"` | high, low | restart | several lines say what it is |' in lines


@pytest.mark.parametrize(("mode", "owner"), [(0o100620, 7), (0o100602, 0), (0o100600, 8)])
def test_a_file_that_others_can_write_is_refused(mode: int, owner: int) -> None:
    with pytest.raises(MalformedError):
        check_owner(mode, owner, 7)


def test_a_file_of_root_or_of_its_reader_is_taken() -> None:
    check_owner(0o100644, 0, 7)
    check_owner(0o100600, 7, 7)


def test_changes_are_named_by_their_paths() -> None:
    before = given()
    after = given(assigned=["table.wait_seconds=9", "count=1"])
    assert sorted(configuration.changed(before, after)) == ["count", "table.wait_seconds"]


def test_what_is_live_is_taken_and_what_is_not_waits() -> None:
    before = given()
    after = given(assigned=["table.wait_seconds=9", "count=1"])
    outcome = configuration.renewed(before, after)
    assert (outcome.taken, outcome.waiting) == (("table.wait_seconds",), ("count",))
    assert outcome.now == given(assigned=["table.wait_seconds=9"])
    assert str(outcome) == "taken: table.wait_seconds; at the next start only: count"


def test_the_same_once_more_changes_nothing() -> None:
    outcome = configuration.renewed(given(), given())
    assert (outcome.now, str(outcome)) == (given(), "no setting has changed")
