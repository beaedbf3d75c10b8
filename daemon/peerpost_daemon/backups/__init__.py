"""Backups of the account: made of the vault, kept in a file or at the relay, and made a vault again."""
