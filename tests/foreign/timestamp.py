"""Verifies an RFC 3161 token about a text with `rfc3161-client`, which shares no code with the product.

Usage: timestamp.py CA.pem TOKEN TEXT. Prints the time in the token and ends with 0, or says what is wrong and ends
with 1.
"""

import sys
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates
from rfc3161_client import VerifierBuilder, decode_timestamp_response
from rfc3161_client.errors import VerificationError


def as_answer(token: bytes) -> bytes:
    """The client takes whole answers only: puts the status `granted` in front of the token."""
    body = bytes([0x30, 3, 2, 1, 0]) + token
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body


def main() -> int:
    ca, token, text = (Path(name).read_bytes() for name in sys.argv[1:4])
    builder = VerifierBuilder()
    for certificate in load_pem_x509_certificates(ca):
        builder = builder.add_root_certificate(certificate)
    try:
        answer = decode_timestamp_response(as_answer(token))
        builder.build().verify_message(answer, text)
    except (ValueError, VerificationError) as error:
        print(f"refused: {error}")
        return 1
    print(answer.tst_info.gen_time.isoformat())
    return 0


if __name__ == "__main__":
    sys.exit(main())
