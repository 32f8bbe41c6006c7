"""A throw-away certificate authority, and what it signs, made anew in every test run."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Signed:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For a server that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """Signs certificates; whoever reads `file` as his roots trusts them."""

    def __init__(self, folder: Path, name: str = "Throw-away authority") -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.file = folder / f"{name}.pem"
        basic = x509.BasicConstraints(ca=True, path_length=0)
        made = _builder(self._name, self._name, self._key, DAY).add_extension(basic, critical=True)
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        whole = made.add_extension(usage, critical=True).add_extension(self._own_id(), False)
        self._write(self.file, whole.sign(self._key, hashes.SHA256()))

    def sign(self, *hosts: str, lasts: timedelta = DAY) -> Signed:
        """A certificate for these names and addresses; `lasts` from an hour ago, negative: over."""
        key = ec.generate_private_key(ec.SECP256R1())
        found: list[x509.GeneralName] = [
            x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
            for host in hosts
        ]
        made = _builder(_named(hosts[0]), self._name, key, lasts)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        whole = (
            made.add_extension(x509.SubjectAlternativeName(found), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(issuer, critical=False)
        )
        stem = f"{self.file.stem} {hosts[0]} {lasts.days}"
        certificate, file = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        self._write(certificate, whole.sign(self._key, hashes.SHA256()))
        kinds = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        file.write_bytes(key.private_bytes(serialization.Encoding.PEM, *kinds))
        return Signed(certificate, file)

    def _own_id(self) -> x509.SubjectKeyIdentifier:
        return x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())

    def _write(self, file: Path, certificate: x509.Certificate) -> None:
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
) -> x509.CertificateBuilder:
    # OpenSSL looks at the machine's clock, whatever the tests' clock says.
    now = datetime.now(UTC)
    begins = now - timedelta(hours=1) if lasts > timedelta(0) else now + 2 * lasts
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(now + lasts)
    )
