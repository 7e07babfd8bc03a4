//! A time-stamp authority for tests: OpenSSL, with certificates that are made on the spot.

use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// Where the imprint stands in our queries.
const IMPRINT: usize = 24;
/// Where the nonce stands in our queries.
const NONCE: usize = 58;

/// The `openssl` program. Without it a test is skipped, loudly, but for CI, which must have it.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(crate) fn openssl() -> Option<PathBuf> {
    let program = std::env::var_os("COMPTROLLER_TEST_OPENSSL").map_or("openssl".into(), PathBuf::from);
    if Command::new(&program).arg("version").output().is_ok_and(|output| output.status.success()) {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs COMPTROLLER_TEST_OPENSSL");
    eprintln!("SKIPPED: the program openssl is not there; set COMPTROLLER_TEST_OPENSSL");
    None
}

/// How an authority is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// `RSA:<bits>` or the name of a curve.
    pub(crate) key: &'static str,
    /// The hash of its signatures.
    pub(crate) digest: &'static str,
    /// The hash that names its certificate; `sha1` gives the older form of the attribute.
    pub(crate) ess: &'static str,
    /// Extensions of its certificate.
    pub(crate) extensions: &'static str,
    /// Another certificate stands between it and the CA, and comes with its answers.
    pub(crate) intermediate: bool,
    /// Its certificate was valid in 2020 only.
    pub(crate) expired: bool,
}

pub(crate) const GOOD: Setup = Setup {
    key: "P-256",
    digest: "sha256",
    ess: "sha256",
    extensions: "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature",
    intermediate: false,
    expired: false,
};

/// An authority with a CA of its own.
#[derive(Debug)]
pub(crate) struct Authority {
    folder: TempDir,
    openssl: PathBuf,
}

impl Authority {
    pub(crate) fn new(openssl: PathBuf, setup: Setup) -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap(), openssl };
        authority.write("req.cnf", b"[req]\ndistinguished_name=dn\n[dn]\n");
        authority.write(
            "ca.ext",
            b"basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n",
        );
        authority.write("tsa.ext", setup.extensions.as_bytes());
        authority.request("ca", "P-256", "/CN=Test root");
        authority
            .run(&words("x509 -req -in ca.csr -signkey ca.key -days 30 -sha256 -extfile ca.ext -out ca.pem"));
        let issuer = if setup.intermediate { "middle" } else { "ca" };
        if setup.intermediate {
            authority.request("middle", "P-384", "/CN=Test middle");
            authority.sign("middle", "ca", "ca.ext", false);
        }
        authority.request("tsa", setup.key, "/O=Example/CN=Test Authority");
        authority.sign("tsa", issuer, "tsa.ext", setup.expired);
        authority.configure(setup, "sha256, sha384, sha512");
        authority
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The certificates to trust.
    pub(crate) fn ca(&self) -> Vec<u8> {
        std::fs::read(self.path("ca.pem")).unwrap()
    }

    /// The answer of `openssl ts` settings: which hashes it takes in questions.
    pub(crate) fn configure(&self, setup: Setup, digests: &str) {
        let chain = if setup.intermediate { "certs = middle.pem\n" } else { "" };
        let text = format!(
            "[tsa]\ndefault_tsa = tsa1\n[tsa1]\nserial = serial\nsigner_cert = tsa.pem\nsigner_key = tsa.key\n\
             default_policy = 1.2.3.4\ndigests = {digests}\naccuracy = secs:1, millisecs:500\n\
             signer_digest = {}\ness_cert_id_alg = {}\ness_cert_id_chain = no\ntsa_name = yes\n{chain}",
            setup.digest, setup.ess
        );
        self.write("tsa.cnf", text.as_bytes());
    }

    /// Runs `openssl` in the authority's folder; it must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let output =
            Command::new(&self.openssl).args(arguments).current_dir(self.folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {said}");
        output.stdout
    }

    /// A key and a certificate request.
    fn request(&self, name: &str, key: &str, subject: &str) {
        let file = format!("{name}.key");
        let option = match key.strip_prefix("RSA:") {
            Some(bits) => ("RSA", format!("rsa_keygen_bits:{bits}")),
            None => ("EC", format!("ec_paramgen_curve:{key}")),
        };
        self.run(&["genpkey", "-algorithm", option.0, "-pkeyopt", &option.1, "-out", &file]);
        let out = format!("{name}.csr");
        self.run(&["req", "-new", "-config", "req.cnf", "-key", &file, "-subj", subject, "-out", &out]);
    }

    /// Signs a request with the key of `issuer`.
    fn sign(&self, name: &str, issuer: &str, extensions: &str, expired: bool) {
        let text = format!(
            "[ca]\ndefault_ca = one\n[one]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\n\
             certificate = {issuer}.pem\nprivate_key = {issuer}.key\ndefault_md = sha256\npolicy = any\n[any]\n\
             organizationName = optional\ncommonName = supplied\n"
        );
        self.write("ca.cnf", text.as_bytes());
        self.write("index", b"");
        let end = if expired { "20201231000000Z" } else { "20491231000000Z" };
        self.run(&words(&format!(
            "ca -batch -notext -config ca.cnf -extfile {extensions} -in {name}.csr -out {name}.pem \
             -startdate 20200101000000Z -enddate {end}"
        )));
    }

    /// The answer to a question, by `openssl ts`.
    pub(crate) fn answer(&self, query: &[u8]) -> Vec<u8> {
        self.write("query", query);
        self.run(&words("ts -reply -config tsa.cnf -section tsa1 -queryfile query -out answer"));
        std::fs::read(self.path("answer")).unwrap()
    }

    /// The token of a granted answer.
    pub(crate) fn token(&self, answer: &[u8]) -> Vec<u8> {
        self.write("answer", answer);
        self.run(&words("ts -reply -in answer -token_out -out token"));
        std::fs::read(self.path("token")).unwrap()
    }

    /// Signs the statement of another authority's token with this one's certificate, which `openssl ts` may not want
    /// to use; the answer is granted.
    pub(crate) fn forge(&self, token: &[u8]) -> Vec<u8> {
        self.write("other", token);
        self.run(&words("cms -verify -noverify -inform DER -in other -out info -binary"));
        self.run(&words(
            "cms -sign -binary -nodetach -cades -md sha256 -econtent_type 1.2.840.113549.1.9.16.1.4 -in info \
             -signer tsa.pem -inkey tsa.key -outform DER -out forged",
        ));
        granted(&std::fs::read(self.path("forged")).unwrap())
    }

    /// Whether `openssl ts -verify` takes a token as one about `data`.
    pub(crate) fn openssl_accepts(&self, token: &[u8], data: &[u8]) -> bool {
        self.write("token", token);
        self.write("data", data);
        let arguments = words("ts -verify -token_in -in token -data data -CAfile ca.pem");
        let output = Command::new(&self.openssl).args(arguments).current_dir(self.folder.path()).output();
        output.unwrap().status.success()
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// A granted answer around a token.
pub(crate) fn granted(token: &[u8]) -> Vec<u8> {
    let length = u16::try_from(token.len() + 5).unwrap().to_be_bytes();
    [&[0x30, 0x82, length[0], length[1], 0x30, 3, 2, 1, 0], token].concat()
}

/// The same question about other bytes.
pub(crate) fn about_other_bytes(query: &[u8]) -> Vec<u8> {
    flipped(query, IMPRINT + 7)
}

/// The same question with another nonce.
pub(crate) fn with_another_nonce(query: &[u8]) -> Vec<u8> {
    flipped(query, NONCE + 7)
}

/// The same bytes but for one bit.
pub(crate) fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}
