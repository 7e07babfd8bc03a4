"""An identity provider for tests: Canaille with one client and one person, in memory.

Usage: python canaille.py PORT REDIRECT_URI NAME PASSWORD
"""

import datetime
import sys

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

port, redirect, name, password = sys.argv[1:]
app = create_app(
    {
        "SECRET_KEY": "of-the-test",
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory"},
        "CANAILLE_OIDC": {
            "ACTIVE_JWKS": [RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)],
            "REQUIRE_HTTPS": False,
        },
    }
)
with app.app_context():
    user = models.User(
        user_name=name,
        formatted_name=name,
        family_name=name,
        emails=[f"{name}@example.org"],
        password=password,
    )
    Backend.instance.save(user)
    client = models.Client(
        client_id="comptroller",
        client_secret="of-the-test",
        client_name="Comptroller",
        client_uri=redirect,
        redirect_uris=[redirect],
        grant_types=["authorization_code"],
        response_types=["code"],
        scope=["openid", "email"],
        token_endpoint_auth_method="client_secret_basic",
        client_id_issued_at=datetime.datetime.now(datetime.timezone.utc),
    )
    Backend.instance.save(client)
    # Whom its ID tokens are for.
    client.audience = [client]
    Backend.instance.save(client)
server = make_server("127.0.0.1", int(port), app, threaded=True)
print("ready", flush=True)
server.serve_forever()
