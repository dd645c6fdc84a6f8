"""Plots of a report by matplotlib (extra ``plot``): each function draws into an ``Axes`` and returns it."""

from typing import Any, TypeAlias

from ._auditing import _audit_checks
from ._auditing._report import Report

Axes: TypeAlias = Any
"""matplotlib's ``Axes``."""

__all__ = ["gradient_reach", "signal_by_depth", "singular_values", "twin_map"]


def singular_values(report: Report, *, ax: Axes | None = None) -> Axes:
    """Draw the singular values of each weight, from the largest to the least.

    Parameters
    ----------
    report : Report
        The report of any audit.
    ax : Axes, optional
        Where to draw; by default the axes of a new figure.

    Returns
    -------
    Axes
        The axes; its figure is ``ax.figure``.

    Raises
    ------
    TypeError, ValueError
        If `report` is no Report, or has no singular values.

    Examples
    --------
    >>> import zero_array, zero_array.plot
    >>> report = zero_array.audit({"up.weight": zero_array.zero_init((64, 16))})
    >>> zero_array.plot.singular_values(report).get_ylabel()
    'singular value'
    """
    _check(report)
    spectra = [(facts.parameter, facts.spectrum) for facts in report.weights if facts.spectrum]
    ax = _axes(ax, "singular values", spectra)
    for name, values in spectra:
        places = [number / max(1, len(values) - 1) for number in range(len(values))]
        ax.plot(places, values, label=name, marker="" if len(values) > 1 else ".")
    ax.set(xlabel="from the largest to the least", ylabel="singular value", ylim=(0, None))
    if len(spectra) <= 10:
        ax.legend()
    return ax


def twin_map(report: Report, *, ax: Axes | None = None) -> Axes:
    """Draw which rows of each weight equal an earlier one; weights without twins are left out.

    Parameters
    ----------
    report : Report
        The report of any audit.
    ax : Axes, optional
        Where to draw; by default the axes of a new figure.

    Returns
    -------
    Axes
        The axes; its figure is ``ax.figure``.

    Raises
    ------
    TypeError, ValueError
        If `report` is no Report, or if no weight has twins.

    Examples
    --------
    >>> import zero_array, zero_array.plot
    >>> report = zero_array.audit({"up.weight": zero_array.zero_init((64, 16))})
    >>> [label.get_text() for label in zero_array.plot.twin_map(report).get_yticklabels()]
    ['up.weight']
    """
    _check(report)
    twins = [(facts.parameter, facts.twins) for facts in report.weights if facts.twins]
    ax = _axes(ax, "twins", twins)
    for number, (_, shares) in enumerate(twins):
        ax.imshow([shares], extent=(0, 1, number + 0.4, number - 0.4), aspect="auto", cmap="Oranges", vmin=0, vmax=1)
    ax.set(xlabel="rows, from the first to the last", xlim=(0, 1), ylim=(len(twins) - 0.5, -0.5))
    ax.set_yticks(range(len(twins)), [name for name, _ in twins])
    return ax


def signal_by_depth(report: Report, *, ax: Axes | None = None) -> Axes:
    """Draw the scale of the signal behind each module, and of the gradient that comes back to it.

    Parameters
    ----------
    report : Report
        The report of an audit of a model, such as that of `zero_array.torch.audit`.
    ax : Axes, optional
        Where to draw; by default the axes of a new figure.

    Returns
    -------
    Axes
        The axes; its figure is ``ax.figure``.

    Raises
    ------
    TypeError, ValueError
        If `report` is no Report, or has nothing of this, since it is of weights alone.

    Examples
    --------
    >>> import zero_array.plot
    >>> from zero_array.audits import Depth, Report
    >>> report = Report((), depth=(Depth("up", 1.0, 0.5), Depth("down", 2.0, 0.25)))
    >>> zero_array.plot.signal_by_depth(report).get_yscale()
    'log'
    """
    _check(report)
    ax = _axes(ax, "signal by depth", report.depth)
    ax.plot([item.signal for item in report.depth], label="signal", marker=".")
    ax.plot([item.gradient for item in report.depth], label="gradient", marker=".")
    ax.set(xlabel="module, in the order of the calls", ylabel="root mean square", yscale="log")
    ax.legend()
    return ax


def gradient_reach(report: Report, *, ax: Axes | None = None) -> Axes:
    """Draw the largest entry of each parameter's gradient, now and after the steps; exact zeros are marked.

    Parameters
    ----------
    report : Report
        The report of an audit of a model, such as that of `zero_array.torch.audit`.
    ax : Axes, optional
        Where to draw; by default the axes of a new figure.

    Returns
    -------
    Axes
        The axes; its figure is ``ax.figure``.

    Raises
    ------
    TypeError, ValueError
        If `report` is no Report, or has nothing of this, since it is of weights alone.

    Examples
    --------
    >>> import zero_array.plot
    >>> from zero_array.audits import Reach, Report
    >>> report = Report((), reach=(Reach("up.weight", 0.0, 1e-3), Reach("down.weight", 0.5, 0.4)))
    >>> zero_array.plot.gradient_reach(report).get_xlabel()
    'largest entry of the gradient'
    """
    _check(report)
    ax = _axes(ax, "gradient reach", report.reach)
    places = range(len(report.reach))
    least = min([size for item in report.reach for size in (item.now, item.after or 0) if size > 0], default=1.0)
    ax.scatter([item.now or least / 10 for item in report.reach], places, label="now")
    if any(item.after is not None for item in report.reach):
        ax.scatter([item.after or least / 10 for item in report.reach], places, label="after", marker="x")
    zeros = [number for number, item in enumerate(report.reach) if item.now == 0]
    ax.scatter(
        [least / 10] * len(zeros), zeros, label="now zero", marker="o", facecolors="none", edgecolors="red", s=90
    )
    ax.set(xlabel="largest entry of the gradient", xscale="log")
    ax.set_yticks(places, [item.parameter for item in report.reach])
    ax.invert_yaxis()
    ax.legend()
    return ax


def _check(report: Any) -> None:
    """Check that there is a report."""
    if not isinstance(report, Report):
        raise _audit_checks.no_report(report)


def _axes(ax: Any, what: str, held: Any) -> Any:
    """The axes to draw into; a refusal where there is nothing to draw."""
    if not held:
        raise _audit_checks.nothing_to_draw(what)
    if ax is None:
        from matplotlib.figure import Figure

        height = 3.6 + 0.2 * (len(held) if what in ("twins", "gradient reach") else 0)
        ax = Figure(figsize=(7, height), layout="constrained").subplots()
    ax.set_title(what)
    return ax
