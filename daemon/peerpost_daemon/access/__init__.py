"""Who may call the daemon, and for what: the tables of the configuration against what the kernel says of a caller.

settings    one `[[access]]` table
people      users and groups by name, to numbers; who may open the socket is in `opening`
tables      all tables, and what they give to a caller
"""
