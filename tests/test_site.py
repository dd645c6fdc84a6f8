"""What `docs/check.py` finds in a site."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parent.parent / "docs" / "check.py"


def check(site: Path) -> list[str]:
    """What the script finds; its exit status must say whether that is nothing."""
    done = subprocess.run([sys.executable, CHECK, site], capture_output=True, text=True, check=False)
    found = done.stderr.splitlines()
    assert done.returncode == bool(found)
    return found


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site in which every public name has its place, and all links are sound."""
    names = [line.split()[0] for line in check(tmp_path)]
    assert {"zero_array.zero_init", "zero_array.torch.init_", "zero_array.recipes.Plan"} <= set(names)
    text = "".join(f'<p id="{name}"></p>' for name in names)
    (tmp_path / "api.html").write_text(f'{text}<a href="https://elsewhere">', encoding="utf-8")
    (tmp_path / "index.html").write_text(f'<a href="#top" id="top"><a href="api.html#{names[0]}">', encoding="utf-8")
    return tmp_path


def test_a_sound_site_passes(site: Path) -> None:
    """Nothing is found where nothing is wrong."""
    assert check(site) == []


def test_a_missing_name_is_found(site: Path) -> None:
    """A public name without its place in the reference is named."""
    text = (site / "api.html").read_text(encoding="utf-8")
    (site / "api.html").write_text(text.replace('"zero_array.keras.ZeroInit"', '"ZeroInit"'), encoding="utf-8")
    assert check(site) == ["zero_array.keras.ZeroInit is not in the API reference"]


@pytest.mark.parametrize(
    ("tag", "fault"),
    [
        ('<a href="gone.html">', "gone.html leads nowhere"),
        ('<img src="gone.svg">', "gone.svg leads nowhere"),
        ('<a href="api.html#gone">', "api.html#gone leads to no place in api.html"),
        ('<a href="#gone">', "#gone leads to no place in page.html"),
    ],
)
def test_a_dead_link_is_found(site: Path, tag: str, fault: str) -> None:
    """A link to a file or a place that is not there is named, with its page."""
    (site / "page.html").write_text(tag, encoding="utf-8")
    assert check(site) == [f"page.html: {fault}"]
