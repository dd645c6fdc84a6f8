"""The paper's claims, measured: ``python -m experiments``, a module per figure or table."""
