"""Plans: what the parameters of a whole network start as, and why."""
