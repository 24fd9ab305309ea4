"""What `mkdocs build` does beside laying out pages, see mkdocs.yml.

Pages link to files outside docs/: BUILD_NOTES.md, RESULTS.md, flagfiles, examples. The site gets a
copy of each under `tree/`, where the links then lead. A page that would load anything from another
host is refused, so that the site works without a network.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
LOADED = re.compile(r"""(?:\ssrc=|<link[^>]*\shref=|url\(|@import\s)["']?(?:https?:)?//[^"')\s]+""")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the files outside docs/ that pages link to, and those that these link to."""
    waiting = list(files.documentation_pages())
    while waiting:
        for target in _targets(waiting.pop()):
            uri = _uri(target)
            if target.is_file() and files.get_file_from_path(uri) is None:
                file = File.generated(
                    config, uri, abs_src_path=str(target), inclusion=InclusionLevel.INCLUDED
                )
                files.append(file)
                waiting += [file] if file.is_documentation_page() else []
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Points a page's links at the places that their files have in the site."""
    source = Path(page.file.abs_src_path).resolve()
    start = Path(page.file.src_uri).parent

    def in_site(match: re.Match) -> str:
        return os.path.relpath(_uri(_target(source, match[0])), start)

    return LINK.sub(in_site, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Refuses a page that loads something from another host.

    Raises:
        PluginError: naming the page and what it loads.
    """
    loaded = LOADED.search(output)
    if loaded:
        raise PluginError(f"{page.file.src_uri}: would load {loaded[0].strip()} from another host")
    return output


def _targets(page: File) -> Iterator[Path]:
    source = Path(page.abs_src_path).resolve()
    for match in LINK.finditer(source.read_text(encoding="utf-8")):
        yield _target(source, match[0])


def _target(source: Path, link: str) -> Path:
    return Path(os.path.normpath(source.parent / link))


def _uri(target: Path) -> str:
    """Names a file of the repository as the site does."""
    if target.is_relative_to(DOCS):
        return target.relative_to(DOCS).as_posix()
    return f"tree/{target.relative_to(ROOT).as_posix()}"
