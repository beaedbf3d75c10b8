"""Files: copied and encrypted before anything else, uploaded, fetched, checked, saved."""
