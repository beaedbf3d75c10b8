"""What `scripts/bench` runs: one module a case, and what the cases share.

To add a case, write a module with a `CASE` and name it in `registry`.
"""
