"""`schema`: JSON for editors, Markdown to read."""

import json

from collector import config
from collector.cli import schema


def test_json(invoke):
    assert json.loads(invoke("schema").stdout) == config.json_schema()


def test_markdown(invoke):
    page = invoke("schema", "--format", "markdown").stdout
    assert page == schema.markdown(config.json_schema()) + "\n"
    assert "## accounts[].sites\n" in page
    assert "| `name` | text | required |" in page
