"""What scripts touch: the Python client and the command line. Standard library only."""
