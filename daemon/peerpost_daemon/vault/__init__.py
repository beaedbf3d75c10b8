"""The vault: the sealed key file and the encrypted database it opens."""
