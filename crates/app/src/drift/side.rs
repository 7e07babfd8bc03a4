//! One side of a comparison: data, or a profile that stands for it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use comptroller_lake::Source;
use comptroller_stats::profile::{FORMAT, MAX_BYTES, Profile};

use super::DriftError;

/// Data or a profile.
#[derive(Debug)]
pub(super) enum Side {
    /// Files.
    Data(Source),
    /// A stored profile.
    Profile(Box<Profile>),
}

impl Side {
    /// Opens what an argument names: a profile if it is one file that says so, else data.
    pub(super) fn open(argument: &str) -> Result<Self, DriftError> {
        match profile_bytes(Path::new(argument))? {
            Some(bytes) => {
                let named = |source| DriftError::Profile { name: argument.to_owned(), source };
                Profile::from_bytes(&bytes).map(|profile| Self::Profile(Box::new(profile))).map_err(named)
            }
            None => Ok(Self::Data(Source::open(argument)?)),
        }
    }
}

/// The bytes of a file that calls itself a profile.
pub(super) fn profile_bytes(path: &Path) -> Result<Option<Vec<u8>>, DriftError> {
    if !path.is_file() {
        return Ok(None);
    }
    let io = |source| DriftError::Io { name: path.display().to_string(), source };
    let mut file = File::open(path).map_err(io)?;
    let mut head = [0; 1];
    if file.read(&mut head).map_err(io)? == 0 || head != *b"{" {
        return Ok(None);
    }
    let mut bytes = head.to_vec();
    // One byte more than is read, so that a longer one is refused and not cut.
    file.take(MAX_BYTES as u64).read_to_end(&mut bytes).map_err(io)?;
    let mark = format!("\"format\":\"{FORMAT}\"");
    // Lines of JSON are many objects; a profile is one, on one line.
    let is_one_line =
        bytes.iter().position(|byte| *byte == b'\n').is_none_or(|end| bytes[end..].trim_ascii().is_empty());
    let says_so = is_one_line && bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
    Ok(says_so.then_some(bytes))
}
