"""Hooks: what the daemon itself does with events, so that nothing depends on a terminal that is open.

A hook is a queue like any other (`hook:NAME`), whose one reader lives in the daemon: the vault keeps what it has not
done, how often it was tried, and its dead letters.
"""
