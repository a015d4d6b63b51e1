"""This file tests whom we trust."""

import pytest
import trustme

from aftercall.errors import PbxCertificateUnreadable
from aftercall.model import PbxAddress
from aftercall.pbx import tls
from aftercall.pbx.ari import AriClient

GOOD = trustme.CA().issue_cert("pbx.example.test").cert_chain_pems[0].bytes().decode()
BAD = {
    "empty": "",
    "no PEM": "just some words",
    "not ASCII": "Zertifikat für die Anlage",
    "cut off": GOOD[: len(GOOD) // 2],
    "damaged": GOOD.replace("MII", "XXX", 1),
}


@pytest.mark.parametrize("pem", BAD.values(), ids=BAD)
def test_a_pinned_certificate_that_is_none_is_an_error_of_ours(pem: str) -> None:
    with pytest.raises(PbxCertificateUnreadable) as raised:
        tls.build_context(pem)
    assert raised.value.why != "What is stored here is no certificate: ."


def test_a_client_is_not_made_with_one() -> None:
    address = PbxAddress(
        host="192.0.2.10", port=8089, username="a", password="b", use_tls=True, pinned_certificate="just some words"
    )
    with pytest.raises(PbxCertificateUnreadable):
        AriClient(address)


def test_a_pinned_certificate_is_the_only_one_trusted() -> None:
    context = tls.build_context(GOOD)
    assert len(context.get_ca_certs()) <= 1
    assert context.cert_store_stats()["x509"] == 1
