//! Object names: relative, plain, the same on a file system and in a bucket.

use super::ObjectsError;

/// Longest name in bytes; S3 permits 1,024 including the prefix.
pub const MAX_NAME: usize = 512;

/// Refuses a name that could leave the store's directory or be spelled in two ways.
///
/// Segments are separated by single slashes, use `A-Z a-z 0-9 . _ -` and do not start with a dot, which keeps
/// `.`, `..` and the staging directory out of reach.
pub(super) fn check(name: &str) -> Result<(), ObjectsError> {
    let refuse = |why| Err(ObjectsError::Name { name: shown(name), why });
    if name.is_empty() || name.len() > MAX_NAME {
        return refuse("it must have 1 to 512 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-".contains(&b)) {
        return refuse("only A-Z a-z 0-9 . _ / - are permitted");
    }
    for segment in name.split('/') {
        if segment.is_empty() {
            return refuse("it must be relative, without empty segments");
        }
        if segment.starts_with('.') {
            return refuse("a segment must not start with a dot");
        }
        if segment.len() > 255 {
            return refuse("a segment must have at most 255 characters");
        }
    }
    Ok(())
}

/// The start of an untrusted name, without control characters, for a message.
fn shown(name: &str) -> String {
    name.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_names_pass_and_path_tricks_do_not() {
        for good in ["a", "tile/0/x001/067", "artifacts/0190-ab/00000001", "a.b_c-D"] {
            assert!(check(good).is_ok(), "{good}");
        }
        let long = "a".repeat(MAX_NAME + 1);
        for bad in [
            "", "/a", "a/", "a//b", "..", "a/../b", ".hidden", "a/.b", "a\\b", "a b", "ü", "a\0", "a%2f",
            &long,
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_name_stays_below_its_root(name in "[a-z./_-]{1,12}") {
            if check(&name).is_ok() {
                let path = std::path::Path::new(&name);
                prop_assert!(path.components().all(|c| matches!(c, std::path::Component::Normal(_))));
                prop_assert_eq!(path.to_str(), Some(name.as_str()));
            }
        }
    }
}
