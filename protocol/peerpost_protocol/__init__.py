"""The ground floor: formats and rules that relay and daemon share. No I/O, no clock, no randomness."""
