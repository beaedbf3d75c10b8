"""Load for relays: what sends it, what is sent, and the systems that carry it."""
