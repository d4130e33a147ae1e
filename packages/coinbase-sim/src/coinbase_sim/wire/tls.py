"""A certificate made at start, so that unmodified clients can be pointed at localhost over TLS (coinbase.md §1)."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coinbase_sim.wire.auth import write_private

CA_FILE_NAME = "ca.pem"
VENUE_HOSTS = ("api.coinbase.com", "advanced-trade-ws.coinbase.com", "advanced-trade-ws-user.coinbase.com")
"""For clients that keep the venue's own addresses and reach this machine through a proxy."""

_TLS_KEY_FILE_NAME = "tls_key.pem"
_LIFETIME = timedelta(days=30)


def make_tls(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """A server context for this machine and the venue's names, and the file that clients are to trust.

    Both files are written in `directory`.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, datetime.now(UTC))
    ca_file, key_file = directory / CA_FILE_NAME, directory / _TLS_KEY_FILE_NAME
    ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(key_file, pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_file, key_file)
    return context, ca_file


def _self_signed(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "coinbase-sim")])
    addresses = [
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        *(x509.DNSName(host) for host in ("localhost", *VENUE_HOSTS)),
    ]
    public = key.public_key()
    # Python 3.13 verifies strictly: a trust anchor needs its usages and both key identifiers.
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
