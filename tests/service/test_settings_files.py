"""Settings from a folder of mounted files, as container platforms hand secrets over."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from service.settings import Settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As Kubernetes mounts it: names are links into a folder that is swapped as a whole."""
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..data").symlink_to("..2026")
    for name, text in {"coplan_cache_secret": "from a file\n", "coplan_redis_url": "redis://127.0.0.1:6379/0"}.items():
        (tmp_path / "..2026" / name).write_text(text)
        (tmp_path / name).symlink_to(f"..data/{name}")
    monkeypatch.setenv("COPLAN_FHIR_BASE_URL", "https://ehr.example/fhir")
    monkeypatch.setenv("COPLAN_SECRETS_DIR", str(tmp_path))
    return tmp_path


def test_a_secret_is_read_from_its_file(folder: Path) -> None:
    settings = Settings()

    assert settings.cache_secret is not None
    assert settings.cache_secret.get_secret_value() == "from a file"
    assert str(settings.redis_url) == "redis://127.0.0.1:6379/0"


def test_the_environment_goes_before_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPLAN_CACHE_SECRET", "from the environment")

    secret = Settings().cache_secret
    assert secret is not None
    assert secret.get_secret_value() == "from the environment"


def test_a_folder_that_is_not_there_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPLAN_SECRETS_DIR", str(folder / "nowhere"))

    with pytest.raises(ValidationError) as raised:
        Settings()
    assert [error["loc"] for error in raised.value.errors()] == [("secrets_dir",)]


def test_a_file_that_leads_out_of_the_folder_is_not_read(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "other"
    elsewhere.write_text("somebody else's")
    (folder / "coplan_cache_secret").unlink()
    (folder / "coplan_cache_secret").symlink_to(elsewhere)

    with pytest.raises((SettingsError, ValidationError, UserWarning)):
        Settings()
