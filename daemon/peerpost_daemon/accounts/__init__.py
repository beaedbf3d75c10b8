"""Several accounts in one daemon: each has its vault, its identity, its link and its users, and no part of another's.

settings    one `[[accounts]]` table
opening     a daemon for each of them, and what becomes of one that cannot be opened
"""
