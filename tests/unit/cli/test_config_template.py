"""The configuration that `init` writes is valid."""

import pytest

from collector import config
from collector.cli import config_template
from collector.mist import clouds

ORG_ID = "2818e386-8dec-2562-9ede-5b8a0fbbdc71"


@pytest.mark.parametrize("cloud", [*clouds.CLOUDS.values(), clouds.from_api_url("https://api.mist.example")])
@pytest.mark.parametrize("webhook", [True, False])
def test_it_is_valid(tmp_path, cloud, webhook):
    file = tmp_path / "collector.yaml"
    (tmp_path / config_template.SECRETS_DIRECTORY).mkdir()
    for name in (config_template.TOKEN_FILE, config_template.WEBHOOK_SECRET_FILE):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text("x\n")
    file.write_text(config_template.render(cloud, [ORG_ID], ["Café *"], webhook=webhook))
    loaded = config.load(file, {})
    assert loaded.warnings == ()
    assert loaded.accounts[0].orgs == [ORG_ID]
    assert loaded.accounts[0].sites.include == ["Café *"]
    assert loaded.webhook.enabled is webhook
