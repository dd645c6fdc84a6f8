"""What Sphinx does not see: ``python docs/check.py SITE`` finds public names without an entry, and dead links.

The names are those in the ``__all__`` of each module without a leading underscore, read without an import. A link is
dead where the file that it leads to, or the place in it, is not in the site.
"""

import ast
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

PACKAGE = Path(__file__).parent.parent / "src" / "zero_array"


class Page(HTMLParser):
    """The places and the links of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what the tag names, and where it leads."""
        found = {name: value or "" for name, value in attrs}
        self.places |= {found[name] for name in ("id", "name") if name in found}
        self.links |= {found[name] for name in ("href", "src") if name in found}


def public_names() -> Iterator[str]:
    """Every name that the package offers."""
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        module = parts[:-1] if parts[-1] == "__init__" else parts
        if any(part.startswith("_") for part in module):
            continue
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                yield from (".".join((*module, name)) for name in ast.literal_eval(node.value))


def faults(site: Path) -> Iterator[str]:
    """What is wrong with a site."""
    pages = {file.resolve(): Page(file) for file in sorted(site.rglob("*.html"))}
    reference = pages.get((site / "api.html").resolve())
    places = reference.places if reference else set()
    yield from (f"{name} is not in the API reference" for name in public_names() if name not in places)
    for file, page in pages.items():
        for link in sorted(page.links):
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (file.parent / unquote(address.path)).resolve() if address.path else file
            if not target.is_file():
                yield f"{file.name}: {link} leads nowhere"
            elif address.fragment and target in pages and unquote(address.fragment) not in pages[target].places:
                yield f"{file.name}: {link} leads to no place in {target.name}"


if __name__ == "__main__":
    sys.exit("\n".join(faults(Path(sys.argv[1]))) or 0)
