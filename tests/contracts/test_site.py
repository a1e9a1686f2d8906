"""The documentation builds as a site: without a warning, without a network, and with every page in it."""

import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    from tests.conftest import ROOT

    work = tmp_path_factory.mktemp("site")
    settings = ROOT / "docs/site/mkdocs.yml"
    # The settings name build/pages beside themselves; the test builds elsewhere.
    moved = work / "docs/site/mkdocs.yml"
    moved.parent.mkdir(parents=True)
    moved.write_text(settings.read_text())
    subprocess.run([sys.executable, ROOT / "docs/site/assemble.py", work / "build/pages"], check=True)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", moved, "--site-dir", work / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return work / "out"


def test_every_document_is_a_page(site, project):
    documents = [*project.glob("*.md"), *project.glob("docs/**/*.md")]
    pages = {path.parent.relative_to(site) for path in site.rglob("index.html")}
    missing = [
        path for path in (document.relative_to(project) for document in documents)
        if path.with_suffix("") not in pages and path.stem not in ("index", "README")
    ]  # fmt: skip
    assert missing == []


def test_nothing_is_fetched_from_elsewhere(site):
    found = [
        match
        for page in site.rglob("*.html")
        for match in re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=\"(?:https?:)?//[^\"]+\"", page.read_text())
    ]
    assert found == []
