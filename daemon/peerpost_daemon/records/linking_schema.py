"""The schema of devices that link at a relay which wants a proof first; a step of `schema.MIGRATIONS`."""

from typing import Final

LINKING: Final = """
ALTER TABLE account ADD COLUMN linking INTEGER NOT NULL DEFAULT 0;  -- 1: a further device, once it is proven
"""
