"""For mkdocs: the pictures of metrics/ are part of the pages, which GitHub shows from where they stand."""

from pathlib import Path

from mkdocs.structure.files import File, Files

METRICS = Path(__file__).parent.parent / "metrics"


def on_files(files: Files, config) -> Files:
    """Add the pictures of metrics/ as metrics/NAME."""
    for picture in sorted(METRICS.glob("*.png")):
        files.append(File.generated(config, f"metrics/{picture.name}", abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, **_) -> str:
    """Let links to pictures beside docs/ lead to where the pages have them."""
    return markdown.replace("](../metrics/", "](metrics/")
