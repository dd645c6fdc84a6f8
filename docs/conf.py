"""The site, by Sphinx: ``nox -s docs``. Nothing is downloaded, and no page repeats what another says."""

import contextlib
import io
import os
import re
import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.ext.autodoc.mock import _MockObject
from sphinx.util.docutils import SphinxDirective

from zero_array import __main__ as command

HERE = Path(__file__).parent
GENERATED = HERE / "generated"
sys.path.insert(0, str(HERE))

project = "zero_array"
author = "The zero-array authors"
copyright = author
release = version = installed("zero-array")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_design"]
exclude_patterns = ["generated"]
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!zero_array).*")]  # other libraries' types are words here, not links

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

default_role = "code"  # numpydoc's single backquotes
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_typehints = "none"  # the docstrings say them
autodoc_member_order = "bysource"
autodoc_mock_imports = ["dask", "equinox", "flax", "haiku", "jax", "keras", "mlx", "torch"]
_MockObject.__or__ = _MockObject.__ror__ = lambda self, _: self  # as in annotations: `NamedSharding | None`

html_theme = "furo"
html_title = "zero_array"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False


class Picture(SphinxDirective):
    """``{picture} NAME`` with its description: one of `pictures.py`, in the colours of the reader's theme."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """An image for each theme, of which furo shows one."""
        said = " ".join(self.content)
        found = [
            nodes.image(uri=f"/generated/{self.arguments[0]}-{theme}.svg", alt=said, classes=[f"only-{theme}"])
            for theme in ("light", "dark")
        ]
        for image in found:
            self.set_source_info(image)
        return [nodes.figure("", *found, nodes.caption("", said))]


def generate(_: Sphinx) -> None:
    """Write what pages include: the command's help, the pictures."""
    import pictures

    GENERATED.mkdir(exist_ok=True)
    (GENERATED / "command.md").write_text(command_help(), encoding="utf-8")
    pictures.draw(GENERATED)


def command_help() -> str:
    """The help of every command, as argparse prints it."""
    os.environ |= {"COLUMNS": "80", "NO_COLOR": "1"}
    (names,) = (action.choices for action in command._parser()._actions if action.dest == "command")
    assert names is not None
    return "".join(f"## {name}\n\n```text\n{printed(name, '--help')}```\n\n" for name in names)


def printed(*arguments: str) -> str:
    """What the command prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        command.main(arguments)
    return out.getvalue()


def link_inside(_app: Sphinx, _path: Path, _parent: str, content: list[str]) -> None:
    """Links between files of the repository become links between the pages that include them."""
    content[0] = re.sub(r"\]\((?:docs/)?(\w+\.md)", lambda found: f"]({found[1].lower()}", content[0])


def math(translator: Any, node: nodes.Element, *, block: bool) -> None:
    """A formula as MathML: browsers show it without a script."""
    lines = node.astext().strip()
    row = latex2mathml.tex2mathml(lines, as_block=block)
    translator.body.append(f'<div class="formula">{row}</div>' if block else row)
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """What is ours."""
    app.add_directive("picture", Picture)
    app.add_html_math_renderer(
        "mathml",
        (lambda translator, node: math(translator, node, block=False), None),
        (lambda translator, node: math(translator, node, block=True), None),
    )
    app.connect("builder-inited", generate)
    app.connect("include-read", link_inside)
