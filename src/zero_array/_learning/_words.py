"""Words that several findings share, and those that each framework has its own of."""

from collections.abc import Sequence
from typing import NamedTuple


class Words(NamedTuple):
    """What a framework's remedies name.

    Attributes
    ----------
    init : str
        The call that starts the whole model, with inputs.
    anew : str
        The same, where its weights alone are spoken of.
    distinct : str
        The same, without twins.
    apart : str
        What starts query, key and value each by itself.
    bias : str
        What frees a dead ReLU.
    cut : str
        What lets no gradient through.
    """

    init: str
    anew: str
    distinct: str
    apart: str
    bias: str
    cut: str

    @classmethod
    def of(cls, module: str, cut: str, model: str = "model") -> "Words":
        """The words of a framework whose models ``zero_array.MODULE.init(MODEL, example_inputs=...)`` starts."""
        call = f"zero_array.{module}.init({model}, example_inputs=..."
        init = f"{call})"
        return cls(init, init, f"{call}, columns='distinct')", init, init, cut)


def listed(names: Sequence[str]) -> str:
    """Some names; of very many the first."""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more
