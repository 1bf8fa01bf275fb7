"""The page of `dvc plots show`, which has Vega in it and so needs no network."""

import configparser
import re

from dvc_render.vega import VegaRenderer
from projects import ROOT

PAGE = ROOT / ".dvc/plots.html"


def test_dvc_takes_the_page_that_needs_no_network():
    config = configparser.ConfigParser()
    config.read(ROOT / ".dvc/config")
    assert ROOT / ".dvc" / config["plots"]["html_template"] == PAGE
    text = PAGE.read_text()
    assert "{plot_divs}" in text and "<script src" not in text and "{scripts}" not in text


def test_the_page_has_the_versions_of_vega_that_dvc_would_load_from_the_network():
    # `.ci/vega` writes it anew.
    wanted = re.findall(r"npm/([a-z-]+@[0-9.]+)", VegaRenderer.SCRIPTS)
    assert wanted == re.findall(r"^<!-- (\S+@\S+)$", PAGE.read_text(), re.MULTILINE) and len(wanted) == 3
