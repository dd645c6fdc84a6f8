"""The commands of ``python -m zero_array``."""
