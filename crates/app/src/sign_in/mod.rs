//! Sign-in of people at the organisation's identity provider, and the sessions that come of it.
//!
//! The provider says who somebody is; who may do what is decided here. Nobody becomes known by signing in: a person is
//! added first, and found by the address that the provider has verified. From then on the provider's own id of the
//! person counts, so that an address which is given to somebody else later opens nothing.

mod provider;
mod session;

pub use session::{Opened, SESSION_HOURS};

use crate::{App, AppError, outbound};
use provider::Provider;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// The identity provider, and how browsers reach this server.
#[derive(Clone)]
pub struct SignInSettings {
    /// The provider's issuer address.
    pub issuer: String,
    /// The name under which the provider knows this server.
    pub client_id: String,
    /// The secret that goes with it, if the provider gave one.
    pub client_secret: Option<String>,
    /// Counts an address as verified if the provider does not say whether it is.
    pub assume_verified_email: bool,
    /// This server's address in browsers, without a slash at its end.
    pub public_url: String,
    /// Asks everybody who votes on production for a second factor, and not only those who have one.
    pub step_up: bool,
}

/// Sign-in as configured.
#[derive(Debug)]
pub(crate) struct SignIn {
    provider: Provider,
    public_url: String,
    step_up: bool,
}

/// A sign-in under way. The browser keeps all of it but the address, and brings it back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begun {
    /// Where the browser goes.
    #[serde(skip)]
    pub url: String,
    /// Comes back with the answer: both belong to the same browser.
    pub state: String,
    /// Comes back inside the ID token: it was made for this sign-in.
    pub nonce: String,
    /// Proves to the provider that whoever brings the code began the sign-in.
    pub verifier: String,
}

/// What the browser brings back from the provider.
#[derive(Clone, Debug)]
pub struct Returned {
    /// The state of the sign-in.
    pub state: String,
    /// Who answers, if the provider says so (RFC 9207).
    pub issuer: Option<String>,
    /// What the provider changes for an ID token, once.
    pub code: String,
}

impl SignInSettings {
    /// Whether the addresses can be used, before anything is asked.
    pub fn check(&self) -> Result<(), AppError> {
        outbound::check_url(&self.issuer)
            .map_err(|error| AppError::invalid("sign_in.issuer", error.to_string()))?;
        // The address is compared with what browsers say about the page that makes a request: an origin (RFC 6454).
        outbound::check_url(&self.public_url)
            .map_err(|error| AppError::invalid("server.public_url", error.to_string()))?;
        let name = self.public_url.split_once("://").map_or("", |(_, rest)| rest);
        if name.contains(['/', '?', '#']) {
            return Err(AppError::invalid(
                "server.public_url",
                "give scheme, name and port only, without a path",
            ));
        }
        Ok(())
    }
}

impl App {
    /// Lets people sign in as `settings` say.
    ///
    /// # Errors
    /// An address that may not be used.
    pub fn with_sign_in(mut self, settings: SignInSettings) -> Result<Self, AppError> {
        settings.check()?;
        let (public_url, step_up) = (settings.public_url.clone(), settings.step_up);
        self.sign_in = Some(Arc::new(SignIn { provider: Provider::new(settings)?, public_url, step_up }));
        Ok(self)
    }

    /// This server's address in browsers, if people can sign in.
    pub fn sign_in_url(&self) -> Option<&str> {
        self.sign_in.as_ref().map(|sign_in| sign_in.public_url.as_str())
    }

    /// The site that passkeys are for, if people can sign in.
    pub(crate) fn origin(&self) -> Option<String> {
        self.sign_in.as_ref().map(|sign_in| sign_in.public_url.clone())
    }

    /// Whether everybody who votes on production is asked for a second factor.
    pub(crate) fn step_up_of_all(&self) -> bool {
        self.sign_in.as_ref().is_some_and(|sign_in| sign_in.step_up)
    }

    fn sign_in(&self) -> Result<&SignIn, AppError> {
        self.sign_in.as_deref().ok_or_else(|| AppError::not_found("identity provider", "sign-in"))
    }

    /// Begins a sign-in.
    pub async fn begin_sign_in(&self) -> Result<Begun, AppError> {
        self.sign_in()?.provider.begin().await
    }

    /// Ends a sign-in with what the provider sent back: opens a session of the person.
    ///
    /// # Errors
    /// An answer that does not belong to `begun`; a provider that cannot be asked or says something invalid; somebody
    /// who is not known here.
    pub async fn finish_sign_in(&self, begun: &Begun, answer: Returned) -> Result<Opened, AppError> {
        let sign_in = self.sign_in()?;
        let same_issuer = answer.issuer.is_none_or(|issuer| issuer == sign_in.provider.issuer());
        if !same_issuer || !bool::from(begun.state.as_bytes().ct_eq(answer.state.as_bytes())) {
            return Err(AppError::Unauthenticated("the answer belongs to another sign-in; sign in again"));
        }
        let identity = sign_in.provider.finish(answer.code, begun).await?;
        self.open_session(sign_in.provider.issuer().to_owned(), identity).await
    }
}

impl std::fmt::Debug for SignInSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInSettings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}
