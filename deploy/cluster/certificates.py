"""The cluster's certificates: two authorities of its own, so that who may ask the frontend is no node by that.

Flat files beside the stack's other keys. The authorities stay, what they sign is made anew with every start; nodes
look at their files every few seconds, and the product when it connects.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.cluster.agreed import SERVER_NAME
from deploy.private_files import write_private_text

_AUTHORITY_LIVES, _SIGNED_LIVES = timedelta(days=3_650), timedelta(days=90)
# Clocks of machines beside each other differ a little.
_BEFORE = timedelta(minutes=5)
_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files in PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """All files below `folder`: nodes know each other, clients are known to the frontend alone."""

    folder: Path

    @property
    def nodes_authority(self) -> Pair:
        return self._pair("temporal-nodes-ca")

    @property
    def clients_authority(self) -> Pair:
        return self._pair("temporal-clients-ca")

    @property
    def node(self) -> Pair:
        return self._pair("temporal-node")

    @property
    def product(self) -> Pair:
        return self._pair("temporal-product")

    @property
    def ui(self) -> Pair:
        return self._pair("temporal-ui")

    def make(self) -> None:
        """Everything that isn't there yet, and anew what the authorities sign."""
        for authority in (self.nodes_authority, self.clients_authority):
            if not authority.certificate.exists():
                make_authority(authority)
        sign(self.nodes_authority, self.node, SERVER_NAME, (_SERVER, _CLIENT))
        for client in (self.product, self.ui):
            sign(self.clients_authority, client, client.certificate.stem, (_CLIENT,))

    def _pair(self, name: str) -> Pair:
        return Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")


def make_authority(pair: Pair) -> None:
    """One that signs itself, and those named after it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), _name(pair.certificate.stem)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    made = (
        _begun(name, name, key.public_key(), datetime.now(UTC) + _AUTHORITY_LIVES)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(pair, made, key)


def sign(
    authority: Pair, pair: Pair, name: str, uses: Sequence[x509.ObjectIdentifier], until: datetime | None = None
) -> None:
    """A certificate for `name`, made by the authority whose files are given."""
    signer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    secret = serialization.load_pem_private_key(authority.key.read_bytes(), None)
    assert isinstance(secret, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        _begun(_name(name), signer.subject, key.public_key(), until or datetime.now(UTC) + _SIGNED_LIVES)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .sign(secret, hashes.SHA256())
    )
    _write(pair, made, key)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, until: datetime
) -> x509.CertificateBuilder:
    begins = min(datetime.now(UTC), until - timedelta(hours=1)) - _BEFORE
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(until)
    )


def _write(pair: Pair, made: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """The key first: who reads in between finds a pair that doesn't fit, and looks again."""
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for path, content in ((pair.key, private), (pair.certificate, made.public_bytes(serialization.Encoding.PEM))):
        write_private_text(path, content.decode())


def hand_out(made: Certificates, folder: Path) -> None:
    """To each who asks the frontend, in a folder of its own: its pair, and by whom a node is known."""
    for client in (made.product, made.ui):
        place = folder / client.certificate.stem.removeprefix("temporal-")
        place.mkdir(parents=True, exist_ok=True)
        for file in (client.key, client.certificate, made.nodes_authority.certificate):
            write_private_text(place / file.name, file.read_text())


def main() -> None:
    folder = Path(sys.argv[1])
    made = Certificates(folder / "nodes")
    made.folder.mkdir(parents=True, exist_ok=True)
    made.make()
    hand_out(made, folder)


if __name__ == "__main__":
    main()
