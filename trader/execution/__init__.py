"""Orders on their way to a venue and back: states, ids, outcomes, fees, and the limits of requests."""
