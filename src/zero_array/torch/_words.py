"""Words that several findings share."""

from collections.abc import Sequence

INIT = "zero_array.torch.init_(model, example_inputs=...)"
"""The remedy of most."""


def listed(names: Sequence[str]) -> str:
    """Some names; of very many the first."""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more
