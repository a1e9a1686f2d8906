"""Whatever a configuration file holds, it is a Config or a ConfigError with faults: nothing else ever comes out."""

import contextlib

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.config import Config, keypath, yaml_file
from collector.config import load as load_file
from collector.errors import ConfigError

KEYS = sorted({path.rpartition(".")[2] for path in keypath.known_paths()})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.dates(),
    st.binary(max_size=4),
    st.sampled_from(
        ["main", "emea01", "127.0.0.1:0", "http://127.0.0.1:1", "/dev/null", "~nobody-here/x", "a\0b", "."]
    ),
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), SCALARS), inner, max_size=4),
        st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, inner)),
    ),
    max_leaves=20,
)


def outcome(path, text, environ):
    """Load the text; anything but a Config or a ConfigError escapes, and fails the test."""
    path.write_bytes(text)
    try:
        result = load_file(path, environ)
    except ConfigError as error:
        result = error
    if isinstance(result, ConfigError):
        assert result.faults
        assert all(fault.problem for fault in result.faults)
    else:
        assert isinstance(result, Config)


@settings(deadline=None)
@given(DOCUMENTS)
def test_any_document(tmp_path_factory, document):
    path = tmp_path_factory.getbasetemp() / "document.yaml"
    outcome(path, yaml.dump(document, allow_unicode=True).encode(), {})


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"a: &a [*a]")
@example(b"accounts: &a {name: *a}")
@example(b"? [a]\n: b")
@example(b"? {a: b}\n: b")
@example(b"<<: {accounts: []}")
@example(b"<<: 3")
@example(b"accounts: [<<]")
@example(b"a: 0x_\nb: 1:99\nc: =\n")
@example(b"%YAML 9.9\n---\na: 1")
def test_any_bytes(tmp_path_factory, text):
    outcome(tmp_path_factory.getbasetemp() / "bytes.yaml", text, {})


@settings(deadline=None)
@given(
    st.dictionaries(
        st.lists(st.sampled_from([*KEYS, "0", "1", "99", "", "x"]), min_size=1, max_size=4).map("__".join),
        st.text(alphabet=st.characters(exclude_characters="\0"), max_size=12),
        max_size=4,
    )
)
def test_any_environment(tmp_path_factory, overrides):
    environ = {f"MIST_COLLECTOR__{key.upper()}": value for key, value in overrides.items()}
    text = b"accounts: [{name: main, cloud: emea01}]\nwebhook: {enabled: false}\n"
    outcome(tmp_path_factory.getbasetemp() / "environment.yaml", text, environ | {"MIST_API_TOKEN": "x"})


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_scalar_of_the_environment_never_breaks(text):
    with contextlib.suppress(yaml.YAMLError):
        yaml_file.scalar_or_yaml(text)
