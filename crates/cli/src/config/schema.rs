//! Every setting with its type, default and meaning. The doc comments here are the reference.

use super::value::FromText;
use comptroller_app::notify::EmailSecurity;
use comptroller_core::Slug;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// One setting, as the loader and the reference see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) section: &'static str,
    pub(crate) key: &'static str,
    /// As text; `None` = not set.
    pub(crate) default: Option<&'static str>,
    /// Never shown; may be read from a file named by the key with `_file` at its end.
    pub(crate) secret: bool,
    pub(crate) doc: &'static [&'static str],
    /// Whether the text is one that the setting takes.
    pub(crate) check: fn(&str) -> Result<(), String>,
}

/// A section and what it is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static [&'static str],
}

/// Builds the structs, their defaults and the table of settings from one list, so that they cannot drift apart.
macro_rules! settings {
    ($(
        $(#[doc = $section_doc:literal])+
        [$section:ident] $name:ident {
            $( $(#[doc = $doc:literal])+ $key:ident: $kind:ty, $default:expr, $secret:literal; )+
        }
    )+) => {
        /// The whole configuration.
        #[derive(Debug)]
        pub(crate) struct Config {
            $( $(#[doc = $section_doc])+ pub(crate) $section: $name, )+
        }

        $(
            $(#[doc = $section_doc])+
            #[derive(Debug)]
            pub(crate) struct $name {
                $( $(#[doc = $doc])+ pub(crate) $key: $kind, )+
            }
        )+

        /// Every section, in the order of the reference.
        pub(crate) const SECTIONS: &[Section] =
            &[$( Section { name: stringify!($section), doc: &[$($section_doc),+] } ),+];

        /// Every setting, in the order of the reference.
        pub(crate) const SETTINGS: &[Setting] = &[$($(
            Setting {
                section: stringify!($section),
                key: stringify!($key),
                default: $default,
                secret: $secret,
                doc: &[$($doc),+],
                check: |text| <$kind as FromText>::from_text(text).map(|_| ()),
            },
        )+)+];

        impl Config {
            /// Builds the configuration from the text of each setting; the error names the setting.
            pub(super) fn from_texts(
                text: impl Fn(&'static str, &'static str) -> Option<String>,
            ) -> Result<Self, (&'static str, &'static str, String)> {
                Ok(Self {
                    $( $section: $name {
                        $( $key: <$kind as FromText>::from_setting(text(stringify!($section), stringify!($key)))
                            .map_err(|problem| (stringify!($section), stringify!($key), problem))?, )+
                    }, )+
                })
            }
        }
    };
}

settings! {
    /// The HTTP interface.
    [server] Server {
        /// Address and port to listen on. Port 0 takes a free one; the start message names it.
        listen: SocketAddr, Some("127.0.0.1:8440"), false;
        /// Permits an address that other machines can reach. The server speaks plain HTTP: put a proxy that does TLS
        /// in front of it, and let only the proxy reach this port.
        allow_non_loopback: bool, Some("false"), false;
        /// The server's address in browsers, such as `https://governance.example.org`: scheme, name and port, no path.
        /// Needed for sign-in; enforcement points of others are told it.
        public_url: Option<String>, None, false;
    }
    /// Sign-in of people at the organisation's identity provider (OpenID Connect). Register this server there with the
    /// redirect address `PUBLIC_URL/auth/callback`, the authorisation code flow and the scopes `openid email`.
    [sign_in] SignIn {
        /// The provider's issuer address: its configuration is read from `ISSUER/.well-known/openid-configuration`.
        /// Default: nobody can sign in, and people use tokens.
        issuer: Option<String>, None, false;
        /// The name under which the provider knows this server.
        client_id: Option<String>, None, false;
        /// The secret that goes with it, if the provider gave one.
        client_secret: Option<String>, None, true;
        /// Counts an e-mail address as verified if the provider does not say whether it is. Some providers never say.
        /// Set it only if the provider lets nobody choose an address freely. An address that the provider says is not
        /// verified never counts.
        assume_verified_email: bool, Some("false"), false;
        /// Asks everybody who votes on production, confirms an emergency or delegates votes for a second factor. Without
        /// it, those who have enrolled one are asked for it, and the others are not.
        step_up: bool, Some("false"), false;
    }
    /// Proofs about changes of policies.
    [policy] Policy {
        /// The program cvc5. Default: `cvc5` on `PATH`; without one, every change counts as unproven.
        solver: Option<PathBuf>, None, false;
    }
    /// Where everything is kept.
    [store] Store {
        /// Folder of everything that has no place of its own. Created with access for its owner only.
        data_dir: PathBuf, Some("comptroller-data"), false;
        /// `sqlite:PATH`, a path, or `postgres://USER:PASSWORD@HOST/NAME`. Default: `DATA_DIR/db/comptroller.db`.
        database: Option<String>, None, true;
        /// A folder, or `s3://BUCKET[/PREFIX]` with the section `s3`. Default: `DATA_DIR/objects`.
        objects: Option<String>, None, false;
        /// Folder of the organisation's key and the log's signing keys. Back it up apart from the database: whoever
        /// has both can read everything. Default: `DATA_DIR/keys`.
        keys_dir: Option<PathBuf>, None, false;
        /// Folder of the mark that guards against an old backup. Best on another volume than the database, so that
        /// one restore does not turn back both. Default: `DATA_DIR/guard`.
        guard_dir: Option<PathBuf>, None, false;
    }
    /// Prediction records and labels.
    [lake] Lake {
        /// Folder of the write-ahead log: what is taken stands there until it is sealed. Each server has one of its own,
        /// on a disk that survives a restart. Default: `DATA_DIR/wal`.
        wal_dir: Option<PathBuf>, None, false;
        /// Seconds that records wait before they are sealed into a block, unless 65,536 of them are there earlier.
        seal_seconds: NonZeroU32, Some("60"), false;
        /// MiB of records that wait in memory, at most; beyond, senders are told to come again.
        memory_mib: NonZeroU32, Some("256"), false;
        /// MiB of filters of ids that are held in memory, at most: a hundred million records take 200, and their labels as
        /// many. What is not held is read whenever a record is looked for.
        filters_mib: NonZeroU32, Some("512"), false;
    }
    /// The bucket, if `store.objects` is one.
    [s3] S3 {
        /// Base address such as `https://s3.example.org`. Default: that of the region at AWS.
        endpoint: Option<String>, None, false;
        /// Region that requests are signed for.
        region: String, Some("us-east-1"), false;
        /// Access key id.
        access_key: Option<String>, None, true;
        /// Secret access key.
        secret_key: Option<String>, None, true;
        /// Permits an `http://` endpoint, for a store on the same machine or a trusted network.
        allow_http: bool, Some("false"), false;
    }
    /// The transparency log.
    [log] Log {
        /// First part of the log's origin: the DNS name under which the log is known. It cannot be changed once the
        /// log exists.
        host: String, Some("comptroller.localhost"), false;
    }
    /// Witnesses: parties that you do not control cosign the log's heads, so that nobody can rewrite or fork it.
    [witness] Witness {
        /// A policy file in the C2SP tlog-policy format: the witnesses, the address at which each takes heads, and the
        /// quorum. Default: no witnesses, and the server asks nobody.
        policy: Option<PathBuf>, None, false;
        /// Seconds between two questions to one witness. Public witnesses allow so many a day: ask theirs.
        every_seconds: NonZeroU32, Some("60"), false;
        /// Shows others only a head that reached the quorum. It may be older than the newest signed one, and evidence
        /// packs are refused while the quorum cannot be reached.
        require_quorum: bool, Some("false"), false;
    }
    /// Time-stamps: an authority that you do not control states when a head of the log existed, so that nobody can date
    /// entries back.
    [timestamp] TimeStamp {
        /// Address of an RFC 3161 authority, such as `https://tsa.example.org/`. It learns a digest and when you ask.
        /// Default: no authority, and the server asks nobody.
        url: Option<String>, None, false;
        /// PEM file with the certificates that vouch for the authority, as the authority publishes them. An answer that
        /// does not lead to one of them is not kept.
        ca: Option<PathBuf>, None, false;
        /// Least seconds between two time-stamps. None is asked for while nothing happens; an evidence pack gets one of
        /// its own.
        every_seconds: NonZeroU32, Some("3600"), false;
    }
    /// Messages: people outside learn of what they have to act upon.
    [notify] Notify {
        /// Address that gets a CloudEvents 1.0 document for each event, signed as Standard Webhooks says. Default: nobody is
        /// told.
        webhook_url: Option<String>, None, false;
        /// Key of the signature: `whsec_` and the base64 of 24 to 64 random bytes. `openssl rand -base64 32` makes such
        /// bytes.
        webhook_secret: Option<String>, None, true;
        /// Incoming webhook of Slack, or of a chat that takes the same. The address is the secret.
        slack_url: Option<String>, None, true;
        /// Name or address of the mail server that takes e-mails. Default: nobody gets e-mail.
        email_host: Option<String>, None, false;
        /// Its port. Default: 587 with `starttls`, 465 with `tls`, 25 with `none`.
        email_port: Option<u16>, None, false;
        /// How the connection is protected: `starttls` (nothing is sent before TLS), `tls` (from the first byte), or
        /// `none`, which is for a server on this machine only.
        email_security: EmailSecurity, Some("starttls"), false;
        /// PEM file with the certificate that vouches for the mail server, instead of the public ones.
        email_ca: Option<PathBuf>, None, false;
        /// Name to log in with, if the mail server wants one.
        email_user: Option<String>, None, false;
        /// Password that goes with it.
        email_password: Option<String>, None, true;
        /// Sender: an address, or `Name <address>`.
        email_from: Option<String>, None, false;
        /// Recipients, separated by commas, at most 16.
        email_to: Option<String>, None, false;
        /// Which events, separated by commas; `emergency.*` stands for all that begin so, `*` for every event.
        events: String, Some(comptroller_app::notify::DEFAULT_EVENTS), false;
        /// Hours of silence after which people are reminded of a request for approval.
        remind_hours: NonZeroU32, Some("24"), false;
        /// Hours of silence after which those who answer for the system are told of it.
        escalate_hours: NonZeroU32, Some("72"), false;
    }
    /// The organisation.
    [organisation] Organisation {
        /// Short name, used when the data folder is created: 1 to 64 of a-z 0-9 . _ -
        slug: Slug, Some("organisation"), false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_that_its_setting_takes() {
        for setting in SETTINGS {
            if let Some(default) = setting.default {
                assert_eq!((setting.check)(default), Ok(()), "{}.{}", setting.section, setting.key);
            }
            assert!(!setting.key.ends_with("_file"), "the ending is taken by files of secrets");
        }
    }
}
