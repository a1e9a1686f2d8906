"""docs/configuration.md is what the models say, and names every key."""

from collector import config
from collector.cli.schema import markdown


def test_the_configuration_reference_is_fresh(project):
    written = (project / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written.rstrip("\n") == markdown(config.json_schema()), "run `make reference`"


def test_every_key_is_in_it_with_a_meaning():
    schema = config.json_schema()
    page = markdown(schema)
    keys = [name for section in [schema, *schema["$defs"].values()] for name in section.get("properties", ())]
    assert [key for key in keys if f"| `{key}` |" not in page] == []
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.split("|")[-2].strip() == ""] == []
