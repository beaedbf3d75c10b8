"""The vault's tables: one module a noun, plain functions over the open connection.

They run inside `Database.read` and `Database.write`; none begins or ends a transaction, none waits, none knows the
network. Times are milliseconds since the epoch, ids are raw bytes.
"""
