"""Questions about messages are answered by an index, and not by looking through a channel."""

import sqlite3
from collections.abc import Callable

import pytest
from sqlcipher3 import dbapi2

from peerpost_daemon.records import answers, message_pages, schema, threads
from peerpost_daemon.records.message_pages import Narrowing
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.migrations import migrate

ID = bytes(32)
QUESTIONS: dict[str, tuple[Callable[[SqlConnection], object], str]] = {
    "the thread of an answer": (lambda db: threads.of(db, ID, ID), "message_by_id"),
    "the messages of a sender": (
        lambda db: message_pages.page(db, ID, None, None, 9, narrowing=Narrowing(sender="a@b")),
        "message_by_sender",
    ),
    "the messages of a thread": (
        lambda db: message_pages.page(db, ID, None, None, 9, narrowing=Narrowing(thread=ID)),
        "message_by_thread",
    ),
    "the answers to a request": (lambda db: answers.counts(db, [ID]), "message_by_request"),
    "what was asked": (lambda db: answers.counts(db, [ID]), "message_by_id"),
    "the messages of a time": (lambda db: message_pages.span(db, ID, 0, 1), "message_by_time"),
}


@pytest.mark.parametrize(("question", "index"), QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_is_answered_by_its_index(
    question: Callable[[SqlConnection], object], index: str
) -> None:
    db: sqlite3.Connection = dbapi2.connect(":memory:", isolation_level=None)
    migrate(db, schema.MIGRATIONS)
    asked = list[str]()
    db.set_trace_callback(asked.append)
    question(db)
    db.set_trace_callback(None)
    plans = [row[3] for query in asked for row in db.execute(f"EXPLAIN QUERY PLAN {query}")]
    db.close()
    assert any(f"INDEX {index} " in plan for plan in plans), plans
