"""Audits of weights: what `zero_array.audit` does."""
