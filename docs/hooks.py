"""Show files of the project's root in the pages of docs/, by links that work on GitHub too: ../metrics/curves.png."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PAGES = ("CONTRIBUTING.md", "CHANGELOG.md")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the root's pages, and the pictures of metrics/, as if they lay in docs/."""
    for path in (*PAGES, *(f"metrics/{picture.name}" for picture in sorted(ROOT.glob("metrics/*.png")))):
        files.append(File(path, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links out of docs/, or into it, into links between pages; what is not there is left for --strict to find."""
    return markdown.replace("](docs/" if page.file.src_uri in PAGES else "](../", "](")
