"""What mkdocs calls while it builds the site: pages from the rest of the repository, and tables."""

import re
from collections.abc import Callable
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from registers import registers_markdown
from repository import PAGES, linked_files, page_markdown, rewrite_links, site_name
from schemas import fields_markdown

MARK: Final = re.compile(r"^<!-- generated: (\w+) ?(\w*) -->$", re.M)
"""A line that is replaced by a table."""

TABLES: Final[dict[str, Callable[[str], str]]] = {
    "registers": lambda _: registers_markdown(),
    "fields": fields_markdown,
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie beside `docs`, and the files that pages link to."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=page_markdown(source)))
    texts = {file.src_uri: file.content_string for file in files.documentation_pages()}
    for path in linked_files(texts):
        files.append(File.generated(config, site_name(path), content=path.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links to files of the repository at their copies, and fill in tables."""
    return fill_in(rewrite_links(markdown, page.file.src_uri))


def fill_in(markdown: str) -> str:
    """The text with its tables.

    Raises
    ------
    KeyError : a mark names no table.
    """
    return MARK.sub(lambda mark: TABLES[mark[1]](mark[2]), markdown)
