//! The identity provider: OpenID Connect Core 1.0, authorisation code flow with PKCE (RFC 7636) and nonce.
//!
//! What the provider says about a person counts only after the signature, the issuer, the audience, the times and the
//! nonce were checked. Its keys are read anew when one is not known, so that it can rotate them.

use super::{Begun, SignInSettings};
use crate::AppError;
use crate::oidc::{ALGORITHMS, Discovery, ask, outside};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier,
    CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
};
use std::time::Duration;

/// How long its configuration and keys are used without asking again.
const FRESH: Duration = Duration::from_hours(1);

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Who signed in, as the provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The provider's id of the person, never used again for another one.
    pub(super) subject: String,
    /// The address, only if the provider has verified it.
    pub(super) verified_email: Option<String>,
}

/// The provider, with what it last published.
#[derive(Debug)]
pub(super) struct Provider {
    discovery: Discovery,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    assume_verified_email: bool,
}

impl Provider {
    pub(super) fn new(settings: SignInSettings) -> Result<Self, AppError> {
        let discovery = Discovery::new(settings.issuer)
            .map_err(|error| AppError::invalid("sign_in.issuer", error.to_string()))?;
        let redirect = RedirectUrl::new(format!("{}/auth/callback", settings.public_url))
            .map_err(|error| AppError::invalid("server.public_url", error.to_string()))?;
        Ok(Self {
            discovery,
            client_id: ClientId::new(settings.client_id),
            client_secret: settings.client_secret.map(ClientSecret::new),
            redirect,
            assume_verified_email: settings.assume_verified_email,
        })
    }

    /// Its name in the log.
    pub(super) fn issuer(&self) -> &str {
        self.discovery.issuer()
    }

    /// Where to send the browser, and what has to come back.
    pub(super) async fn begin(&self) -> Result<Begun, AppError> {
        let metadata = self.discovery.metadata(FRESH).await?;
        let client = self.client(&metadata);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("email".into()))
            .set_pkce_challenge(challenge)
            .url();
        Ok(Begun {
            url: url.to_string(),
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        })
    }

    /// Changes the code for what the provider says about the person.
    pub(super) async fn finish(&self, code: String, begun: &Begun) -> Result<Identity, AppError> {
        let metadata = self.discovery.metadata(FRESH).await?;
        let client = self.client(&metadata);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| outside("has no token endpoint", &error))?
            .set_pkce_verifier(PkceCodeVerifier::new(begun.verifier.clone()))
            .request_async(&ask)
            .await
            .map_err(|error| outside("did not change the code for a token", &error))?;
        let Some(token) = answer.id_token() else {
            return Err(AppError::Outside("the identity provider sent no ID token".into()));
        };
        let nonce = Nonce::new(begun.nonce.clone());
        let verifier = verifier(&client);
        let claims = match token.claims(&verifier, &nonce) {
            Ok(claims) => claims.clone(),
            // The key may be newer than what we read.
            Err(_) => {
                let metadata = self.discovery.metadata(Duration::ZERO).await?;
                let client = self.client(&metadata);
                let claims = token.claims(&self::verifier(&client), &nonce);
                claims.map_err(|error| outside("sent an ID token that is not valid", &error))?.clone()
            }
        };
        check_access_token(token, &claims, answer.access_token(), &verifier)?;
        let subject = claims.subject().to_string();
        let mut email = claims.email().map(|email| (email.to_string(), claims.email_verified()));
        // With the code flow, providers may tell the address at the user-info endpoint only (Core 1.0, section 5.4).
        if email.is_none()
            && let Ok(request) =
                client.user_info(answer.access_token().clone(), Some(claims.subject().clone()))
        {
            let info: CoreUserInfoClaims =
                request.request_async(&ask).await.map_err(|error| outside("sent no user info", &error))?;
            email = info.email().map(|email| (email.to_string(), info.email_verified()));
        }
        let verified_email = email
            .and_then(|(email, verified)| verified.unwrap_or(self.assume_verified_email).then_some(email));
        Ok(Identity { subject, verified_email })
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Client {
        let methods = metadata.token_endpoint_auth_methods_supported();
        let basic = methods.is_none_or(|methods| {
            methods.contains(&openidconnect::core::CoreClientAuthMethod::ClientSecretBasic)
        });
        CoreClient::from_provider_metadata(
            metadata.clone(),
            self.client_id.clone(),
            self.client_secret.clone(),
        )
        .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody })
        .set_redirect_uri(self.redirect.clone())
    }
}

fn verifier(client: &Client) -> CoreIdTokenVerifier<'_> {
    client.id_token_verifier().set_allowed_algs(ALGORITHMS)
}

/// If the ID token names an access token, it is the one that came with it (Core 1.0, section 3.1.3.8).
fn check_access_token(
    token: &CoreIdToken,
    claims: &CoreIdTokenClaims,
    access: &AccessToken,
    verifier: &CoreIdTokenVerifier<'_>,
) -> Result<(), AppError> {
    let Some(expected) = claims.access_token_hash() else { return Ok(()) };
    let refused = || AppError::Outside("the identity provider mixed up two answers".into());
    let algorithm = token.signing_alg().map_err(|_| refused())?;
    let key = token.signing_key(verifier).map_err(|_| refused())?;
    let found = AccessTokenHash::from_token(access, algorithm, key).map_err(|_| refused())?;
    if found == *expected { Ok(()) } else { Err(refused()) }
}
