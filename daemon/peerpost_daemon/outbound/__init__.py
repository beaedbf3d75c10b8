"""What goes to the relay: sealed, stored, sent, and noted when the relay has it."""
