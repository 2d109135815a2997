"""Files of the repository outside `docs` that belong to the site, and links to them."""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = "docs"

PAGES: Final = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""File beside `docs` -> the page that it becomes."""

LINK: Final = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)((?:#[^)\s]*)?)\)")
"""The end of a link to another file: its path, and a fragment."""


def page_markdown(source: str) -> str:
    """The text of a page that lies beside `docs`, with links as they are inside of it."""
    text = (ROOT / source).read_text(encoding="utf-8")
    return LINK.sub(lambda link: f"]({_from_docs(link[1])}{link[2]})", text)


def _from_docs(target: str) -> str:
    return posixpath.relpath(target, DOCS)


def outside_path(target: str, page: str) -> str | None:
    """The path from the root of the repository that a link of a page has; None of a page's own."""
    path = posixpath.normpath(posixpath.join(DOCS, posixpath.dirname(page), target))
    return None if path.startswith(f"{DOCS}/") else path


def linked_files(pages: Mapping[str, str]) -> list[Path]:
    """The files outside `docs` that pages (path -> text) link to, in order."""
    paths = {
        path
        for page, text in pages.items()
        for link in LINK.finditer(text)
        if (path := outside_path(link[1], page)) and path not in PAGES and (ROOT / path).is_file()
    }
    return [ROOT / path for path in sorted(paths)]


def site_name(path: Path) -> str:
    """Where the site has a copy of a file; browsers show it as text."""
    return f"repository/{path.relative_to(ROOT).as_posix()}.txt"


def rewrite_links(markdown: str, page: str) -> str:
    """A page's text in which links that leave `docs` go to pages and copies of the site."""
    return LINK.sub(lambda link: f"]({_on_site(link[1], page)}{link[2]})", markdown)


def _on_site(target: str, page: str) -> str:
    path = outside_path(target, page)
    if path is None or not (ROOT / path).is_file():
        return target
    place = PAGES.get(path) or site_name(ROOT / path)
    return posixpath.relpath(place, posixpath.dirname(page) or ".")
