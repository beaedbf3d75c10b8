#!/usr/bin/env python3
"""List contacts that have cards nobody here has agreed to; trust those that are named.

accept.py [IDENTITY...]
"""

import sys

from peerpost import Client


def main(trusted: list[str]) -> None:
    """Accept the offered cards of those named, and take what they had sent."""
    with Client() as client:
        for contact in client.contact_list()["contacts"]:
            offered = [c["fingerprint"] for c in contact["cards"] if c["state"] == "offered"]
            if offered and contact["identity"] in trusted:
                print(contact["identity"], client.contact_accept(contact["identity"])["state"])
            elif offered:
                print(contact["identity"], "offers", ", ".join(offered))


if __name__ == "__main__":
    main(sys.argv[1:])
