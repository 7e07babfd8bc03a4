//! Time-stamp tokens of a real authority (OpenSSL) are accepted, and nothing else is.

use comptroller_ledger::timestamp::{Anchors, Query, TimestampError, verify};
use std::path::PathBuf;

use crate::authority::{
    Authority, GOOD, Setup, about_other_bytes, flipped, granted, openssl, with_another_nonce,
};

const TEXT: &[u8] = b"ledger.example/log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

fn query() -> Query {
    Query::new(TEXT, [0xff; 8])
}

fn anchors(authority: &Authority) -> Anchors {
    Anchors::from_pem(&authority.ca()).unwrap()
}

/// What our client says about an answer.
fn said(authority: &Authority, answer: &[u8]) -> String {
    match query().accept(answer, &anchors(authority)) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// A good authority, its answer to our question and the token in it.
fn good(openssl: PathBuf) -> (Authority, Vec<u8>, Vec<u8>) {
    let authority = Authority::new(openssl, GOOD);
    let answer = authority.answer(&query().to_der());
    let token = authority.token(&answer);
    (authority, answer, token)
}

#[test]
fn our_question_is_the_one_that_openssl_writes() {
    let Some(openssl) = openssl() else { return };
    let authority = Authority::new(openssl, GOOD);
    std::fs::write(authority.path("ours"), query().to_der()).unwrap();
    std::fs::write(authority.path("text"), TEXT).unwrap();
    let shown = String::from_utf8(authority.run(&["ts", "-query", "-in", "ours", "-text"])).unwrap();
    assert!(shown.contains("Nonce: 0x7FFFFFFFFFFFFFFF"), "{shown}");
    let theirs = authority.run(&["ts", "-query", "-data", "text", "-sha256", "-cert"]);
    // All but the nonce, which is ours by choice and theirs by chance.
    assert_eq!(query().to_der()[2..56], theirs[2..56]);
    assert_eq!(query().to_der()[66..], theirs[theirs.len() - 3..]);
}

#[test]
fn tokens_by_every_usual_key_and_hash_are_accepted() {
    let Some(openssl) = openssl() else { return };
    for (key, digest, ess, intermediate) in [
        ("RSA:2048", "sha256", "sha1", false),
        ("RSA:3072", "sha384", "sha384", false),
        ("RSA:4096", "sha512", "sha512", true),
        ("P-256", "sha256", "sha256", true),
        ("P-256", "sha384", "sha1", false),
        ("P-384", "sha256", "sha512", false),
        ("P-384", "sha384", "sha256", true),
    ] {
        let setup = Setup { key, digest, ess, intermediate, ..GOOD };
        let authority = Authority::new(openssl.clone(), setup);
        let answer = authority.answer(&query().to_der());
        let (token, stamp) =
            query().accept(&answer, &anchors(&authority)).unwrap_or_else(|e| panic!("{setup:?}: {e}"));
        assert_eq!((stamp.authority.as_str(), stamp.policy.as_str()), ("Test Authority", "1.2.3.4"));
        assert_eq!((stamp.accuracy, stamp.is_trusted), (Some(1_500_000), true));
        let written = std::fs::metadata(authority.path("answer")).unwrap().modified().unwrap();
        let now = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
        assert!((now as i64 - stamp.time).abs() < 60_000_000, "{stamp:?}");
        // Others agree, about these bytes and no others.
        assert!(intermediate || authority.openssl_accepts(&token, TEXT));
        assert!(!authority.openssl_accepts(&token, b"other"));
        // Without a trusted certificate the token says the same, and is not called trusted.
        let alone = verify(&token, TEXT, None).unwrap();
        assert_eq!((alone.time, alone.is_trusted), (stamp.time, false));
    }
}

#[test]
fn an_answer_to_another_question_is_refused() {
    let Some(openssl) = openssl() else { return };
    let (authority, answer, token) = good(openssl);
    assert_eq!(said(&authority, &answer), "accepted");
    let der = query().to_der();
    let nonce = authority.answer(&with_another_nonce(&der));
    assert!(said(&authority, &nonce).contains("its nonce differs"));
    let imprint = authority.answer(&about_other_bytes(&der));
    assert!(said(&authority, &imprint).contains("other bytes"));
    let error = verify(&token, b"other", None).unwrap_err();
    assert_eq!(error, TimestampError::Imprint("it is about other bytes"));
    // A question by another hash, as another program would ask.
    std::fs::write(authority.path("text"), TEXT).unwrap();
    let long = authority.run(&["ts", "-query", "-data", "text", "-sha512", "-cert"]);
    let long = authority.token(&authority.answer(&long));
    assert!(verify(&long, TEXT, None).unwrap_err().to_string().contains("another hash than SHA-256"));
    // No certificate was asked for, so none came.
    let bare = authority.run(&["ts", "-query", "-data", "text", "-sha256"]);
    let bare = authority.token(&authority.answer(&bare));
    assert!(verify(&bare, TEXT, None).unwrap_err().to_string().contains("is not in the token"));
}

#[test]
fn a_refusal_is_told_with_its_reason() {
    let Some(openssl) = openssl() else { return };
    let authority = Authority::new(openssl, GOOD);
    authority.configure(GOOD, "sha512");
    let refused = said(&authority, &authority.answer(&query().to_der()));
    assert!(refused.contains("refused: status 2: ") && refused.contains("not take SHA-256"), "{refused}");
    assert!(said(&authority, &[0x30, 5, 0x30, 3, 2, 1, 5]).contains("status 5: it gives no reason"));
}

/// one-signer: the signature must be by a certificate that serves for time-stamping alone.
#[test]
fn only_a_certificate_for_time_stamping_alone_may_sign() {
    let Some(openssl) = openssl() else { return };
    let (_, _, token) = good(openssl.clone());
    for (extensions, expected) in [
        ("keyUsage=digitalSignature", "no extended key usage"),
        ("extendedKeyUsage=critical,codeSigning", "not for time-stamping alone"),
        ("extendedKeyUsage=critical,timeStamping,codeSigning", "not for time-stamping alone"),
        ("extendedKeyUsage=timeStamping", "is not critical"),
        ("extendedKeyUsage=critical,timeStamping\nkeyUsage=keyEncipherment", "does not allow signatures"),
        ("extendedKeyUsage=critical,timeStamping", "accepted"),
    ] {
        let authority = Authority::new(openssl.clone(), Setup { extensions, ..GOOD });
        let verdict = said(&authority, &authority.forge(&token));
        assert!(verdict.contains(expected), "{extensions:?}: {verdict}");
    }
}

#[test]
fn the_chain_must_lead_to_the_trusted_certificate_at_that_time() {
    let Some(openssl) = openssl() else { return };
    let (authority, answer, token) = good(openssl.clone());
    // The CA of another has the same name and another key.
    let (other, _, _) = good(openssl.clone());
    let stranger = query().accept(&answer, &anchors(&other)).unwrap_err();
    assert!(matches!(stranger, TimestampError::Untrusted(_)), "{stranger}");
    let expired = Authority::new(openssl.clone(), Setup { expired: true, ..GOOD });
    let verdict = said(&expired, &expired.forge(&token));
    assert!(verdict.contains("CertExpired"), "{verdict}");
    // The certificate in between is needed, and comes with the token.
    let long = Authority::new(openssl, Setup { intermediate: true, ..GOOD });
    assert_eq!(said(&long, &long.answer(&query().to_der())), "accepted");
    long.configure(GOOD, "sha256");
    assert!(said(&long, &long.answer(&query().to_der())).contains("UnknownIssuer"));
    // Both trusted at once: either will do.
    let both = Anchors::from_pem(&[other.ca(), authority.ca()].concat()).unwrap();
    query().accept(&answer, &both).unwrap();
}

#[test]
fn no_bit_of_a_token_may_change_but_in_what_nobody_signed() {
    let Some(openssl) = openssl() else { return };
    let (authority, _, token) = good(openssl);
    let anchors = anchors(&authority);
    let genuine = verify(&token, TEXT, Some(&anchors)).unwrap();
    let mut unnoticed = Vec::new();
    for at in 0..token.len() {
        match verify(&flipped(&token, at), TEXT, Some(&anchors)) {
            Err(_) => {}
            // Version numbers and the list of hashes of the envelope are signed by nobody and state nothing.
            Ok(stamp) => {
                assert_eq!(stamp, genuine, "byte {at}");
                unnoticed.push(at);
            }
        }
    }
    // A few bytes of the envelope; never one of the statement, the certificate or the signature.
    assert!(unnoticed.len() < 24, "{unnoticed:?}");
}

#[test]
fn bytes_that_are_no_answer_are_refused() {
    let Some(openssl) = openssl() else { return };
    let (authority, answer, token) = good(openssl);
    for bytes in [&b""[..], b"<html>", &[0x30, 0x80, 0, 0], &[0x30, 0], &[0xff; 300], &token] {
        let verdict = said(&authority, bytes);
        assert!(verdict.contains("answer: ") || verdict.contains("status: "), "{verdict}");
    }
    let cut = &answer[..answer.len() - 1];
    assert!(said(&authority, cut).contains("answer: "));
    assert!(said(&authority, &[&answer[..], b"x"].concat()).contains("answer: "));
    // Two signatures, of which one would do.
    let grown = granted(&[&token[..], &token[..]].concat());
    assert!(said(&authority, &grown).contains("answer: "));
    let long = vec![0; comptroller_ledger::timestamp::MAX_TOKEN_BYTES + 1];
    assert!(verify(&long, TEXT, None).unwrap_err().to_string().contains("longer than 65536"));
}

#[test]
fn trusted_certificates_must_be_pem_and_there() {
    for (pem, expected) in [
        (&b""[..], "0 certificates"),
        (b"no PEM", "0 certificates"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate 1 is not usable"),
        (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "not PEM"),
    ] {
        let error = Anchors::from_pem(pem).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
