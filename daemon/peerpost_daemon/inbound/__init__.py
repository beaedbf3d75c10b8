"""What comes from the relay: verified, decrypted and stored in one transaction, or quarantined with the reason."""
