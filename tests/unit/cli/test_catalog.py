"""`mist-collector catalog`."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from collector.cli.catalog import markdown, writer_source
from collector.cli.main import app
from collector.errors import UsageError
from collector.feeds.reference import reference
from collector.feeds.router import FeedRouter


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["catalog", *words])
    assert result.exit_code == 0, result.exception or result.stderr
    return result.stdout


def test_markdown_is_the_default():
    assert run() == markdown(reference()) + "\n"


def test_json():
    assert json.loads(run("--format", "json")) == json.loads(json.dumps(reference()))


def test_the_generated_code_of_an_object_kind():
    source = run("--writer", "ap")
    assert source.startswith("def write_ap(struct, object_rows, now):\n")
    assert "  # ap.radio_stat" in source


@pytest.mark.parametrize("name", sorted({kind.name for kind in FeedRouter().kinds()}))
def test_every_object_kind_has_code_that_compiles(name):
    assert compile(writer_source(name), name, "exec")


def test_several_object_kinds_of_one_name():
    assert sum(kind.name == "org" for kind in FeedRouter().kinds()) == 2
    assert writer_source("org").count("def write_org(") == 2


def test_an_unknown_object_kind_is_a_usage_error_that_names_them():
    with pytest.raises(UsageError, match=r"--writer aps: no such object kind; available: ap, .*, zone"):
        writer_source("aps")
