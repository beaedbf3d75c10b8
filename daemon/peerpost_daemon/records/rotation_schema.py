"""The schema of rotations; a step of `schema.MIGRATIONS`.

`own`: an earlier card of ours, empty for the one in force.
"""

from typing import Final

ROTATION: Final = """
CREATE TABLE own_card (                -- earlier cards of this account: what was sealed for them stays readable
    id BLOB PRIMARY KEY,
    signed BLOB NOT NULL,              -- encoded Signed
    encryption_private BLOB NOT NULL,
    ended_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE rotation (                -- the one under way
    one INTEGER PRIMARY KEY CHECK (one = 1),
    state TEXT NOT NULL,               -- prepared, published, abandoned
    card BLOB NOT NULL,                -- encoded Signed of the successor
    signing_seed BLOB NOT NULL,
    encryption_private BLOB NOT NULL,
    statement BLOB                     -- encoded Signed, once it may be at the relay
);
ALTER TABLE outbox ADD COLUMN own BLOB NOT NULL DEFAULT x'';
CREATE TABLE own_envelope_by_card (
    channel BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    id BLOB NOT NULL,
    position INTEGER,
    own BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (channel, sequence, own)
) WITHOUT ROWID;
INSERT INTO own_envelope_by_card (channel, sequence, id, position)
    SELECT channel, sequence, id, position FROM own_envelope;
DROP TABLE own_envelope;
ALTER TABLE own_envelope_by_card RENAME TO own_envelope;
CREATE TABLE mark_by_card (
    channel BLOB NOT NULL,
    card BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    missing BLOB NOT NULL,
    own BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (channel, card, own)
) WITHOUT ROWID;
INSERT INTO mark_by_card (channel, card, sequence, missing)
    SELECT channel, card, sequence, missing FROM mark;
DROP TABLE mark;
ALTER TABLE mark_by_card RENAME TO mark;
"""
