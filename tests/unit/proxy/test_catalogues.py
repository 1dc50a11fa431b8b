"""Publishing keeps a version whole, and leaves certificates where they lie."""

from datetime import UTC, datetime
from pathlib import Path

from proxy.catalogues import publish_file, read_published

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TEXT = """
tropa:
  listeners:
    main: {mode: reverse, listen: 127.0.0.1:8101, origin: lms, tls: {certificate: tls/chain.pem, key: tls/key.pem}}
origins:
  lms: {hosts: [lms.test], upstream: "https://10.0.0.5", ca_file: ca.pem}
regions:
  village: {timezone: Asia/Kamchatka, networks: [10.41.0.0/16], policy: open}
"""


def test_relative_paths_of_certificates_begin_at_the_operators_file_after_publishing(tmp_path: Path) -> None:
    home, state_dir = tmp_path / "etc", tmp_path / "state"
    for folder in (home / "tls", state_dir):
        folder.mkdir(parents=True)
    regions_file = home / "regions.yaml"
    regions_file.write_text(TEXT, encoding="utf-8")
    publish_file(regions_file, state_dir, now=NOW, note="")
    catalogue = read_published(state_dir, NOW)
    assert catalogue.origins["lms"].ca_file == str(home / "ca.pem")
    assert catalogue.settings.listeners[0].tls_certificate == str(home / "tls" / "chain.pem")
    assert catalogue.settings.listeners[0].tls_key == str(home / "tls" / "key.pem")
