from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from aftercall.errors import SecretUnreadable, SettingInvalid
from aftercall.store.vault import Vault, open_vault


def test_a_sealed_password_opens_again_and_does_not_show(data: Path) -> None:
    sealed = open_vault(data, None).seal("öpen; sesame")
    assert "sesame" not in sealed
    assert open_vault(data, None).open(sealed) == "öpen; sesame"


def test_the_key_file_is_readable_by_its_owner_only(data: Path) -> None:
    open_vault(data, None)
    assert (data / "secret.key").stat().st_mode & 0o777 == 0o600


def test_another_key_says_what_to_do(data: Path) -> None:
    sealed = open_vault(data, None).seal("x")
    (data / "secret.key").write_bytes(Fernet.generate_key())
    with pytest.raises(SecretUnreadable, match="secret"):
        open_vault(data, None).open(sealed)


def test_keys_rotate() -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    sealed = Vault([old]).seal("x")
    resealed = Vault([new, old]).reseal(sealed)
    assert Vault([new]).open(resealed) == "x"


def test_a_malformed_key_stops_the_start(data: Path) -> None:
    with pytest.raises(SettingInvalid, match="AFTERCALL_SECRET_KEY"):
        open_vault(data, "not a key")
