"""The image, from nothing: debootstrap makes a base, buildah builds on it, and it runs as nobody on a read-only root.

`make test-image` plays it: as root, with a Debian mirror and an index of packages, in some two minutes. `make test`
leaves it out.
"""

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import programs
from tests.support.processes import Running, Simulator, ask, eventually

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65532  # of the Containerfile
PACKAGES = "buildah netavark debootstrap"
SUITE, MIRROR = "trixie", "http://deb.debian.org/debian"
CERTIFICATES = "/etc/ssl/certs"
PROGRAM = ["/opt/mist-collector/bin/mist-collector"]
# In a mount namespace of its own: the image's root is bound to itself and made read-only, then entered as nobody.
ENTER = """
root=$1 etc=$2; shift 2
mount --bind "$root" "$root" && mount --bind "$etc" "$root/etc/mist-collector" && mount --bind /proc "$root/proc"
mount -o remount,ro,bind "$root/etc/mist-collector" && mount -o remount,ro,bind "$root" || exit 9
exec chroot --userspec=65532:65532 "$root" "$@"
"""


def run(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


class Builder:
    """buildah with a store of its own, without a kernel's help: no overlay, no containers."""

    def __init__(self, folder):
        self.folder = folder
        self._options = ["--storage-driver", "vfs", "--root", folder / "store", "--runroot", folder / "run"]

    def __call__(self, *words):
        environ = os.environ | {"BUILDAH_ISOLATION": "chroot"}
        return run("buildah", *self._options, *words, cwd=self.folder, env=environ)

    def base(self):
        """A Debian with Python and nothing else."""
        container = self("from", "scratch")
        packages = "--include=python3,python3-venv,ca-certificates"
        run("debootstrap", "--variant=minbase", packages, SUITE, self("mount", container), MIRROR)
        self("commit", "--rm", container, "localhost/base")

    def build(self, name, *options):
        """Build without remembering anything; returns what the image says of itself."""
        limits = (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC))
        ulimits = ["--ulimit={}={}:{}".format(key, *resource.getrlimit(limit)) for key, limit in limits]
        inside = [f"--volume={CERTIFICATES}:{CERTIFICATES}:ro", "--network=host", *ulimits]
        told = ["--no-cache", "--timestamp=1700000000", "--build-arg=BASE=localhost/base", "--build-arg=VERSION=9.8.7"]
        file = ROOT / "deploy/container/Containerfile"
        self("build", *inside, *told, *options, "-t", name, "-f", file, ".")
        return json.loads(self("inspect", "--type", "image", name))


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    missing = [name for name in ("buildah", "debootstrap", "unshare", "chroot") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        reason = f"needs root and {', '.join(missing) or 'nothing else'}: apt-get install {PACKAGES}"
        if programs.in_ci():
            pytest.fail(reason)
        pytest.skip(reason)
    builder = Builder(tmp_path_factory.mktemp("image"))
    dist = builder.folder / "dist"
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", dist, ROOT)
    shutil.copy(ROOT / "requirements.lock", dist)
    builder.base()
    yield builder
    with contextlib.suppress(AssertionError):
        builder("rm", "--all")


@pytest.fixture(scope="module")
def image(builder):
    return builder.build("mist-collector", "--format=docker")


@pytest.fixture(scope="module")
def root(builder, image):
    """The file system of the image, as a folder."""
    assert image
    mounted = Path(builder("mount", builder("from", "localhost/mist-collector")))
    (mounted / "etc/mist-collector").mkdir(exist_ok=True)  # what a runtime does for a mount
    return mounted


def test_it_says_what_it_is(image):
    config = image["Docker"]["config"]
    assert config["User"] == f"{NOBODY}:{NOBODY}"
    assert config["Entrypoint"] + config["Cmd"] == [*PROGRAM, "run"]
    assert config["Labels"]["org.opencontainers.image.version"] == "9.8.7"
    assert config["Healthcheck"]["Test"][0] == "CMD"  # without a shell


def test_the_same_release_gives_the_same_image(builder, image):
    again = builder.build("again", "--format=docker")
    assert again["Docker"]["rootfs"] == image["Docker"]["rootfs"]
    first, second = (builder.build(name, "--format=oci") for name in ("one", "two"))
    assert first["FromImageID"] == second["FromImageID"]


def test_it_holds_no_installer_and_nothing_of_the_builder(root):
    installed = {path.name.partition("-")[0] for path in root.glob("opt/mist-collector/lib/python3*/site-packages/*")}
    assert {"collector", "aiohttp"} <= installed
    assert "pip" not in installed
    assert not (root / "dist").exists()


def test_it_runs_as_nobody_where_nothing_can_be_written(image, root, tmp_path):
    environ = dict(pair.split("=", 1) for pair in image["Docker"]["config"]["Env"])
    health = image["Docker"]["config"]["Healthcheck"]["Test"][1:]
    etc = tmp_path / "etc"
    (etc / "secrets").mkdir(parents=True)
    with Simulator(tmp_path, sites=1, aps=2, cadence_s=5) as cloud:
        account = {"name": "main", "api_url": cloud.api_url, "stream_url": cloud.stream_url}
        configuration = {
            "accounts": [account | {"token_file": "secrets/mist-token"}],
            "server": {"listen": "127.0.0.1:9733"},
            "webhook": {"listen": "127.0.0.1:9734", "secret_files": ["secrets/webhook-secret"]},
        }
        (etc / "collector.yaml").write_text(json.dumps(configuration))
        for name, secret in (("mist-token", Simulator.TOKEN), ("webhook-secret", "a-secret")):
            file = etc / "secrets" / name
            file.write_text(secret)
            file.chmod(0o600)
            os.chown(file, NOBODY, NOBODY)
        enter = ["unshare", "--mount", "sh", "-c", ENTER, "enter", str(root), str(etc)]
        with Running([*enter, *PROGRAM, "run"], tmp_path, "daemon", **environ) as daemon:
            eventually(lambda: ask("http://127.0.0.1:9733/-/ready").status == 200, "it is ready")
            assert "mist_device_up{" in ask("http://127.0.0.1:9733/metrics").text
            status = Path(f"/proc/{daemon.process.pid}/status").read_text()
            assert f"Uid:\t{NOBODY}\t{NOBODY}" in status
            mounts = Path(f"/proc/{daemon.process.pid}/mountinfo").read_text()
            assert [line for line in mounts.splitlines() if line.split()[4] == "/" and line.split()[5].startswith("ro")]
            run(*enter, *health)
            assert daemon.end()[0] == 0
        assert "Traceback" not in daemon.said()
