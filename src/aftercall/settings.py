"""This file reads the environment into one frozen Settings, once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from aftercall.errors import SettingInvalid


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that is set outside the product's own pages; docs/settings.md has a heading for each."""

    #: AFTERCALL_DATA: the folder that holds the databases, recordings and keys.
    data: Path
    #: AFTERCALL_HOST: the address the web server listens on.
    host: str = "127.0.0.1"
    #: AFTERCALL_PORT
    port: int = 8080
    #: AFTERCALL_PUBLIC_URL: the address users see, when a reverse proxy stands in front.
    public_url: str | None = None
    #: AFTERCALL_MODELS: the folder of speech, speaker and vector models; default: `models` in the data folder.
    models: Path | None = None
    #: AFTERCALL_WORKERS: processes for speech recognition; default: one less than the cores, at least 1.
    workers: int = 1
    #: AFTERCALL_MAX_RECORDING_MB
    max_recording_mb: int = 1024
    #: AFTERCALL_LOG_LEVEL
    log_level: str = "INFO"
    #: AFTERCALL_SECRET_KEY: key(s) for stored passwords; default: a file made in the data folder.
    secret_key: str | None = None

    @property
    def database(self) -> Path:
        return self.data / "aftercall.db"

    @property
    def models_folder(self) -> Path:
        return self.models or self.data / "models"

    @property
    def job_database(self) -> Path:
        return self.data / "jobs.db"


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingInvalid: a value cannot be used; the start must stop there.
    """
    default_data = platformdirs.user_data_path("aftercall", appauthor=False)
    level = environment.get("AFTERCALL_LOG_LEVEL", "INFO").upper()
    if level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise SettingInvalid(name="AFTERCALL_LOG_LEVEL", value=level, expected="DEBUG, INFO, WARNING or ERROR")
    public_url = environment.get("AFTERCALL_PUBLIC_URL") or None
    if public_url and not public_url.startswith(("http://", "https://")):
        raise SettingInvalid(
            name="AFTERCALL_PUBLIC_URL", value=public_url, expected="an address that starts with http:// or https://"
        )
    return Settings(
        data=Path(environment.get("AFTERCALL_DATA") or default_data).expanduser().resolve(),
        host=environment.get("AFTERCALL_HOST") or "127.0.0.1",
        port=_whole_number(environment, "AFTERCALL_PORT", 8080, 0, 65535),
        public_url=public_url.rstrip("/") if public_url else None,
        models=Path(environment["AFTERCALL_MODELS"]).expanduser().resolve()
        if environment.get("AFTERCALL_MODELS")
        else None,
        workers=_whole_number(environment, "AFTERCALL_WORKERS", max(1, (os.cpu_count() or 2) - 1), 1, 256),
        max_recording_mb=_whole_number(environment, "AFTERCALL_MAX_RECORDING_MB", 1024, 1, 2047),
        log_level=level,
        secret_key=_secret(environment, "AFTERCALL_SECRET_KEY"),
    )


def _whole_number(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environment.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise SettingInvalid(name=name, value=text, expected=f"a whole number from {low} to {high}")
    return int(text)


def _secret(environment: Mapping[str, str], name: str) -> str | None:
    """A secret given directly or as the path of a file that holds it (NAME_FILE)."""
    if environment.get(name):
        return environment[name]
    path = environment.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text().strip()
    except OSError as exc:
        raise SettingInvalid(name=f"{name}_FILE", value=path, expected="the path of a readable file") from exc
