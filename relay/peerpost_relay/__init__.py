"""The relay: orders, stores and fans out signed ciphertext that it cannot read."""
