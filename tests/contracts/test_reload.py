"""Every key of the configuration is either applied by a reload or declared as needing a restart."""

from typing import get_args

import pytest
from pydantic import BaseModel

from collector.config import Config
from collector.daemon.reload import APPLIED, NEEDS_RESTART


def leaves(model, prefix=""):
    """The paths of all keys that hold a value, not a section; a list of sections counts as its name."""
    for name, field in model.model_fields.items():
        types = [field.annotation, *get_args(field.annotation)]
        section = next((one for one in types if isinstance(one, type) and issubclass(one, BaseModel)), None)
        if section is None or section is not field.annotation:
            yield f"{prefix}{name}"
        else:
            yield from leaves(section, f"{prefix}{name}.")


LEAVES = sorted(leaves(Config))


def covers(declared, leaf):
    return leaf == declared or leaf.startswith(f"{declared}.")


def test_the_models_are_walked_to_their_leaves():
    assert {"labels", "accounts", "stream.ping_every_s", "polls.every_s.maps", "location.heat_grid.cell_m"} <= set(
        LEAVES
    )


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_key_is_declared_once(leaf):
    declared = [one for one in (*APPLIED, *NEEDS_RESTART) if covers(one, leaf)]
    assert len(declared) == 1, f"{leaf} is declared {len(declared)} times in collector/daemon/reload.py: {declared}"


@pytest.mark.parametrize("declared", [*APPLIED, *NEEDS_RESTART])
def test_a_declaration_names_a_key(declared):
    assert any(covers(declared, leaf) for leaf in LEAVES), f"{declared} is no key of the configuration"
