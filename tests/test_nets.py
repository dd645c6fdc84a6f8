"""The table of digests that the networks of all frameworks are compared with."""

import nets


def test_digests() -> None:
    """The table is what the plain-Python reference makes."""
    assert nets.made() == nets.DIGESTS
