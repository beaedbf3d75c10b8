"""The local daemon: keys, vault, outbox, inbox, relay link and JSON-RPC."""
