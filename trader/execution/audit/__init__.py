"""The audit: what the exchange has of ours, against what we believe; repaired or reported, never guessed."""
