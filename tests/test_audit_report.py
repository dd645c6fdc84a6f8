"""Reports: as text, JSON, a page and plots, and the command that prints them."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy
import pytest
from matplotlib.figure import Figure

from zero_array import audit, plot, zero_init
from zero_array.__main__ import main
from zero_array.audits import Depth, Facts, Finding, Reach, Report

EVIL = "<script>\x1b[2J"
WHOLE = Report(
    (
        Finding("note", "a.w", "zeros", "all zero", "none"),
        Finding("error", EVIL, "not finite", "1 NaN", "start again"),
        Finding("warning", "b.w", "twin rows", "4 of 8", "distinct"),
    ),
    (
        Facts("a.w", (4, 4), "float32", (0, 1), "zeros", (1, 1), 0, (0.0, 0.0)),
        Facts("b" * 60, (8, 4), "float32", (0, 1), "", (4, 4), 4, (0.5, 1.0), (1.0, 0.5), 256, (0.0, 1.0)),
        Facts("c.w", (1, 4), "float32", (0, 1), "", (1, 4), 1, (2.0, 2.0), (2.0,)),
    ),
    (Depth("a", 1.0, float("nan")), Depth("b", 2.0, 0.5), Depth("c", 0.0, 0.25), Depth("d", 2.0, 0.5)),
    (Reach("a.w", 0.0, 1e-3), Reach("b.w", 0.5, 0.4)),
)


def test_text() -> None:
    """Text is aligned, the worst first, and shows what a terminal would obey; colours only where asked for."""
    lines = str(WHOLE).splitlines()
    assert lines[0] == r"error    <script>\x1b[2J  not finite  1 NaN"
    assert lines[1] == " " * len(r"error    <script>\x1b[2J  not finite") + "  -> start again"
    assert lines[2] == "warning  b.w              twin rows   4 of 8"
    assert lines[-1] == "1 error, 1 warning, 1 note in 3 parameters"
    assert WHOLE.to_text(color=True).splitlines()[0].startswith("\x1b[31merror")
    assert str(Report(())) == "nothing found"
    assert str(Report((), WHOLE.weights[:1])) == "nothing found in 1 parameter"


def test_filter() -> None:
    """A report can be asked for some names, kinds and severities, and counts its findings."""
    assert [finding.parameter for finding in WHOLE.filter("*.w")] == ["a.w", "b.w"]
    assert len(WHOLE.filter(severity="error")) == 1
    assert WHOLE.filter("a*", what="zeros") == Report(
        WHOLE.findings[:1], WHOLE.weights[:1], WHOLE.depth[:1], WHOLE.reach[:1]
    )
    assert WHOLE.worst == "error"
    assert WHOLE.filter("b.w").worst == "warning"
    assert Report(()).worst is None


def test_json_is_strict() -> None:
    """JSON has everything, and null for what is no number."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(WHOLE.to_json(), parse_constant=refuse)
    assert found["worst"] == "error"
    assert found["depth"][0] == {"module": "a", "signal": 1.0, "gradient": None}
    assert found["weights"][1]["twins"] == [0.0, 1.0]


class Outline(HTMLParser):
    """The tags of a page, with their attributes, and whether they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Open a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        """Open and close a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close a tag, which must be the last that is open."""
        assert self.open.pop() == tag


@pytest.mark.parametrize("report", [WHOLE, Report(()), Report((), depth=(Depth("a", 0.0, 0.0),))], ids=range(3))
def test_page_stands_alone(report: Report) -> None:
    """The page is well formed, runs nothing, asks no network, and has a plot of whatever there is."""
    outline = Outline()
    text = report.to_html()
    outline.feed(text)
    assert outline.open == []
    names = [tag for tag, _ in outline.tags]
    assert not {"script", "link", "img", "iframe", "object"} & set(names)
    assert not any(key in ("src", "href") or key.startswith("on") for _, keys in outline.tags for key in keys)
    assert "default-src 'none'" in text
    assert "http:" not in text
    assert names.count("svg") == (4 if report is WHOLE else 0)
    assert "\x1b" not in text


def test_page_without_steps() -> None:
    """Without steps there is no line of what comes after them."""
    assert ">after<" in WHOLE.to_html()
    assert ">after<" not in Report((), reach=(Reach("a", 1.0, None), Reach("b", 0.5, None))).to_html()


PLOTS = [plot.singular_values, plot.twin_map, plot.signal_by_depth, plot.gradient_reach]
each_plot = pytest.mark.parametrize("draw", PLOTS, ids=lambda draw: draw.__name__)


@each_plot
def test_plots_draw_into_axes(draw: Any) -> None:
    """A plot draws into the axes that it is given, or into new ones, and returns them."""
    axes = Figure().subplots()
    assert draw(WHOLE, ax=axes) is axes
    assert axes.get_title()
    found = draw(WHOLE)
    assert isinstance(found.figure, Figure)
    found.figure.canvas.draw()


@each_plot
def test_plots_of_nothing_are_refused(draw: Any) -> None:
    """A report without what is to be drawn is refused."""
    with pytest.raises(ValueError, match=r"`report` must have .* to draw; this one has none"):
        draw(Report(()))


def test_plots_of_many_weights() -> None:
    """Many weights have no legend; a gradient without steps has one kind of points."""
    many = Report((), tuple(Facts(f"{n}", (2, 2), "float32", spectrum=(1.0, 0.5)) for n in range(11)))
    assert plot.singular_values(many).get_legend() is None
    labels = [
        text.get_text() for text in plot.gradient_reach(Report((), reach=(Reach("a", 1.0, None),))).get_legend().texts
    ]
    assert labels == ["now", "now zero"]


@pytest.mark.parametrize("draw", [plot.singular_values, plot.twin_map, plot.signal_by_depth, plot.gradient_reach])
def test_plots_of_no_report(draw: Any) -> None:
    """Weights are no report: the refusal says what is."""
    with pytest.raises(TypeError, match=r"^`report` must be a Report; got dict: pass what zero_array\.audit returns$"):
        draw({"w": zero_init((4, 2))})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A checkpoint with twins."""
    numpy.savez(tmp_path / "w.npz", up=zero_init((64, 16)), down=zero_init((16, 64)))
    return tmp_path / "w.npz"


def test_command(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints the report; warnings are status 0."""
    assert main(["audit", str(path)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{audit(dict(numpy.load(path)))}\n"
    assert err == ""


def test_command_with_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding of severity error is status 1; JSON and the page are written."""
    numpy.savez(tmp_path / "w.npz", a=numpy.asarray([numpy.nan]), b=numpy.zeros((3, 3, 4, 8)))
    page = tmp_path / "w.html"
    assert main(["audit", str(tmp_path / "w.npz"), "--json", "--html", str(page), "--layout=-1,-2"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["worst"] == "error"
    assert found["weights"][1]["axes"] == [3, 2]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_command_has_the_options_of_the_function(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Patterns of names with their axes, those that are no matrix, and no dtype to round to."""
    given = {name: zero_init((6, 3)) + numpy.arange(3) for name in ("a.kernel", "a.scale", "b.w")}
    numpy.savez(tmp_path / "w.npz", **given)
    options = ["--layout", "*.kernel=-1,-2", "--layout", "*.scale=none", "--layout", "1,0", "--dtype", "none"]
    main(["audit", str(tmp_path / "w.npz"), "--json", *options])
    layout = {"*.kernel": (-1, -2), "*.scale": None, "*": (1, 0)}
    assert capsys.readouterr().out == f"{audit(given, layout=layout, dtype=None).to_json()}\n"
    assert audit(given, layout=layout, dtype=None) != audit(given)


def test_command_on_a_terminal(path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the text has colours, and the way is shown and wiped out."""
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    assert main(["audit", str(path)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("\x1b[33mwarning")
    assert "\r\x1b[K[2/2] down" in err
    assert err.endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.npz"], "`file` must be a file; got 'missing.npz', which is none"),
        (["w.npz", "--layout", "out,in"], "or -1,-2 or *.kernel=-1,-2 or *.scale=none; got 'out,in'"),
        (["w.npz", "--tolerance", "2"], "`tolerance` must be a number from 0 to 1; got 2.0"),
        (["w.npz", "--html", "missing/w.html"], "No such file or directory"),
    ],
    ids=range(4),
)
def test_wrong_usage(
    path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong usage is status 2 and one sentence."""
    monkeypatch.chdir(path.parent)
    with pytest.raises(SystemExit) as stop:
        main(["audit", *arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
