//! The format of one stored part, version 1. Pure: bytes in, bytes out.
//!
//! | bytes | meaning |
//! |---|---|
//! | 7 | `CTLPART` |
//! | 1 | version, 1 |
//! | 16 | random nonce prefix |
//! | frames | 1 MiB of plaintext each, the last one 0 bytes to 1 MiB, encrypted, each followed by its 16-byte tag |
//!
//! Each frame is sealed by XChaCha20-Poly1305. Nonce: prefix, then the frame's number from 0 (8 bytes, big-endian).
//! Associated data: the 8 header bytes, the upload id as text (36), part number (4, big-endian), frame number (8,
//! big-endian), and 1 for the last frame of the part, else 0. Only an empty part has an empty frame.
//!
//! INVARIANT (authenticated-at-rest): a part opens only as the part of the upload that it was sealed for, whole and in
//! order. Nothing is handed out unchecked: frame by frame, and a part without its marked last frame is refused.

use super::{ArtifactsError, Part};
use crate::keys::{self, DataKey};
use bytes::{Bytes, BytesMut};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use comptroller_core::ids::UploadId;
use std::ops::Range;

/// Most bytes of plaintext in one part.
pub const MAX_PART_BYTES: u64 = 16 << 20;
/// Most parts of one upload: what 8 digits can name.
pub const MAX_PARTS: u32 = 99_999_999;

const MAGIC: [u8; 8] = *b"CTLPART\x01";
const PREFIX_BYTES: usize = 16;
/// Bytes before the first frame.
pub(super) const HEADER_BYTES: usize = MAGIC.len() + PREFIX_BYTES;
const FRAME_BYTES: usize = 1 << 20;
const TAG_BYTES: usize = 16;

/// A part ready to be stored.
#[derive(Clone, Debug)]
pub struct SealedPart {
    /// Which part it is, and the size of its plaintext.
    pub part: Part,
    /// The bytes to store.
    pub sealed: Bytes,
}

/// Encrypts one part as its bytes arrive, holding nothing but the encrypted part.
pub struct PartEncryptor {
    cipher: XChaCha20Poly1305,
    upload: UploadId,
    number: u32,
    /// Header and sealed frames, then the plaintext of the frame that is being filled.
    out: Vec<u8>,
    prefix: [u8; PREFIX_BYTES],
    frame: u64,
    frame_start: usize,
    bytes: u64,
}

impl PartEncryptor {
    /// Starts part `number` (from 1) of an upload.
    pub fn new(key: &DataKey, upload: UploadId, number: u32) -> Result<Self, ArtifactsError> {
        check_number(number)?;
        let prefix = keys::random::<PREFIX_BYTES>()?;
        let mut out = Vec::with_capacity(HEADER_BYTES + TAG_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&prefix);
        Ok(Self {
            cipher: key.cipher(),
            upload,
            number,
            out,
            prefix,
            frame: 0,
            frame_start: HEADER_BYTES,
            bytes: 0,
        })
    }

    /// Adds plaintext; refused once the part would exceed [`MAX_PART_BYTES`].
    pub fn push(&mut self, mut plaintext: &[u8]) -> Result<(), ArtifactsError> {
        if self.bytes + plaintext.len() as u64 > MAX_PART_BYTES {
            return Err(ArtifactsError::PartTooLarge { number: self.number });
        }
        self.bytes += plaintext.len() as u64;
        while !plaintext.is_empty() {
            // A full frame is sealed only when more follows: until then it may be the last one.
            if self.out.len() - self.frame_start == FRAME_BYTES {
                self.seal_frame(false)?;
            }
            let room = FRAME_BYTES - (self.out.len() - self.frame_start);
            let (now, later) = plaintext.split_at(room.min(plaintext.len()));
            self.out.extend_from_slice(now);
            plaintext = later;
        }
        Ok(())
    }

    /// Seals the last frame.
    pub fn finish(mut self) -> Result<SealedPart, ArtifactsError> {
        self.seal_frame(true)?;
        Ok(SealedPart {
            part: Part { number: self.number, bytes: self.bytes },
            sealed: Bytes::from(self.out),
        })
    }

    fn seal_frame(&mut self, last: bool) -> Result<(), ArtifactsError> {
        let bound = bound_to(self.upload, self.number, self.frame, last);
        let tag = self
            .cipher
            .encrypt_inout_detached(
                &nonce(self.prefix, self.frame),
                &bound,
                (&mut self.out[self.frame_start..]).into(),
            )
            .map_err(|_| ArtifactsError::PartSealed {
                upload: self.upload,
                number: self.number,
                frame: self.frame,
            })?;
        self.out.extend_from_slice(&tag);
        self.frame += 1;
        self.frame_start = self.out.len();
        Ok(())
    }
}

/// Opens the frames of one stored part in order.
pub(super) struct PartOpener {
    cipher: XChaCha20Poly1305,
    upload: UploadId,
    part: Part,
    prefix: [u8; PREFIX_BYTES],
    frame: u64,
}

impl PartOpener {
    /// Starts with the first [`HEADER_BYTES`] bytes of the object.
    pub(super) fn new(
        key: &DataKey,
        upload: UploadId,
        part: Part,
        header: &[u8],
    ) -> Result<Self, ArtifactsError> {
        check_number(part.number)?;
        sealed_bytes(part)?;
        let prefix = header.strip_prefix(&MAGIC).and_then(|prefix| prefix.try_into().ok());
        let prefix = prefix.ok_or(ArtifactsError::PartFormat { upload, number: part.number })?;
        Ok(Self { cipher: key.cipher(), upload, part, prefix, frame: 0 })
    }

    /// Goes on with another frame than the first.
    pub(super) fn at_frame(mut self, frame: u64) -> Self {
        self.frame = frame;
        self
    }

    /// Where in the part's plaintext the next frame begins.
    pub(super) fn place(&self) -> u64 {
        self.frame * FRAME_BYTES as u64
    }

    /// Stored size of the next frame; `None` after the last one.
    pub(super) fn next_bytes(&self) -> Option<usize> {
        if self.frame == frame_count(self.part.bytes) {
            return None;
        }
        let left = self.part.bytes - self.frame * FRAME_BYTES as u64;
        Some(left.min(FRAME_BYTES as u64) as usize + TAG_BYTES)
    }

    /// Opens the next frame in place and returns its plaintext.
    ///
    /// INVARIANT (authenticated-at-rest): what is returned is genuine and in its place; that nothing is missing is
    /// known once [`PartOpener::next_bytes`] is `None`, because the last frame is marked as such.
    pub(super) fn open_frame(&mut self, mut sealed: BytesMut) -> Result<Bytes, ArtifactsError> {
        let broken = || ArtifactsError::PartSealed {
            upload: self.upload,
            number: self.part.number,
            frame: self.frame,
        };
        if Some(sealed.len()) != self.next_bytes() {
            return Err(broken());
        }
        let (text, tag) = sealed.split_last_chunk_mut::<TAG_BYTES>().ok_or_else(broken)?;
        let last = self.frame + 1 == frame_count(self.part.bytes);
        let bound = bound_to(self.upload, self.part.number, self.frame, last);
        let (nonce, tag) = (nonce(self.prefix, self.frame), Tag::from(*tag));
        self.cipher.decrypt_inout_detached(&nonce, &bound, text.into(), &tag).map_err(|_| broken())?;
        sealed.truncate(sealed.len() - TAG_BYTES);
        self.frame += 1;
        Ok(sealed.freeze())
    }
}

/// Opens a whole part as the reader does: header, then every frame that is due, from what there is.
pub fn open_part(
    key: &DataKey,
    upload: UploadId,
    part: Part,
    sealed: &[u8],
) -> Result<Vec<u8>, ArtifactsError> {
    let (header, mut rest) = sealed.split_at(HEADER_BYTES.min(sealed.len()));
    let mut opener = PartOpener::new(key, upload, part, header)?;
    let mut plaintext = Vec::new();
    while let Some(due) = opener.next_bytes() {
        let (frame, later) = rest.split_at(due.min(rest.len()));
        plaintext.extend_from_slice(&opener.open_frame(BytesMut::from(frame))?);
        rest = later;
    }
    Ok(plaintext)
}

/// Size of the object that holds a part.
pub(super) fn sealed_bytes(part: Part) -> Result<u64, ArtifactsError> {
    if part.bytes > MAX_PART_BYTES {
        return Err(ArtifactsError::PartTooLarge { number: part.number });
    }
    Ok(HEADER_BYTES as u64 + part.bytes + frame_count(part.bytes) * TAG_BYTES as u64)
}

/// Bytes of plaintext in a stored part of `sealed` bytes; none if no part has that size.
pub fn plain_bytes(sealed: u64) -> Option<u64> {
    let body = sealed.checked_sub(HEADER_BYTES as u64)?;
    let frames = body.div_ceil((FRAME_BYTES + TAG_BYTES) as u64).max(1);
    let bytes = body.checked_sub(frames * TAG_BYTES as u64)?;
    (frame_count(bytes) == frames && bytes <= MAX_PART_BYTES).then_some(bytes)
}

pub(super) fn check_number(number: u32) -> Result<(), ArtifactsError> {
    if (1..=MAX_PARTS).contains(&number) { Ok(()) } else { Err(ArtifactsError::PartNumber { number }) }
}

/// The frames that hold a range of a part's plaintext, and the bytes of its object in which they stand.
pub(super) fn frames_of(part: Part, range: &Range<u64>) -> Result<(Range<u64>, Range<u64>), ArtifactsError> {
    const STRIDE: u64 = (FRAME_BYTES + TAG_BYTES) as u64;
    let last = frame_count(part.bytes) - 1;
    let first = (range.start / FRAME_BYTES as u64).min(last);
    let end = range.end.div_ceil(FRAME_BYTES as u64).clamp(first + 1, last + 1);
    let stored = HEADER_BYTES as u64 + first * STRIDE..HEADER_BYTES as u64 + end * STRIDE;
    Ok((first..end, stored.start..stored.end.min(sealed_bytes(part)?)))
}

fn frame_count(bytes: u64) -> u64 {
    bytes.div_ceil(FRAME_BYTES as u64).max(1)
}

fn nonce(prefix: [u8; PREFIX_BYTES], frame: u64) -> XNonce {
    let mut nonce = [0; 24];
    nonce[..PREFIX_BYTES].copy_from_slice(&prefix);
    nonce[PREFIX_BYTES..].copy_from_slice(&frame.to_be_bytes());
    XNonce::from(nonce)
}

fn bound_to(upload: UploadId, number: u32, frame: u64, last: bool) -> Vec<u8> {
    let mut bound = MAGIC.to_vec();
    bound.extend_from_slice(upload.to_string().as_bytes());
    bound.extend_from_slice(&number.to_be_bytes());
    bound.extend_from_slice(&frame.to_be_bytes());
    bound.push(u8::from(last));
    bound
}

#[cfg(test)]
mod tests {
    use super::*;
    use comptroller_core::Timestamp;
    use proptest::prelude::*;

    fn upload(n: u8) -> UploadId {
        UploadId::new(Timestamp::from_micros(1_700_000_000_000_000), [n; 10])
    }

    fn seal(key: &DataKey, number: u32, plaintext: &[u8]) -> SealedPart {
        let mut encryptor = PartEncryptor::new(key, upload(1), number).unwrap();
        encryptor.push(plaintext).unwrap();
        encryptor.finish().unwrap()
    }

    fn opened(key: &DataKey, part: Part, sealed: &[u8]) -> Result<Vec<u8>, ArtifactsError> {
        open_part(key, upload(1), part, sealed)
    }

    /// Bytes that repeat with no period near the frame size.
    fn text(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|i| (i % 251) as u8).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn a_part_opens_however_its_bytes_arrived(
            bytes in prop_oneof![0..200_usize, Just(FRAME_BYTES), FRAME_BYTES - 3..3 * FRAME_BYTES + 3],
            piece in 1..2 * FRAME_BYTES,
        ) {
            let key = DataKey::generate().unwrap();
            let plaintext = text(bytes);
            let mut encryptor = PartEncryptor::new(&key, upload(1), 3).unwrap();
            for piece in plaintext.chunks(piece.max(bytes / 64).max(1)) {
                encryptor.push(piece).unwrap();
            }
            let sealed = encryptor.finish().unwrap();
            prop_assert_eq!(sealed.part, Part { number: 3, bytes: bytes as u64 });
            prop_assert_eq!(sealed_bytes(sealed.part).unwrap(), sealed.sealed.len() as u64);
            prop_assert_eq!(opened(&key, sealed.part, &sealed.sealed).unwrap(), plaintext);
        }
    }

    #[test]
    fn authenticated_at_rest_every_flipped_byte_of_a_part_is_refused() {
        // INVARIANT (authenticated-at-rest)
        let key = DataKey::generate().unwrap();
        let sealed = seal(&key, 1, &text(100));
        for at in 0..sealed.sealed.len() {
            for bit in 0..8 {
                let mut altered = sealed.sealed.to_vec();
                altered[at] ^= 1 << bit;
                assert!(opened(&key, sealed.part, &altered).is_err(), "byte {at} bit {bit}");
            }
        }
        // Across frames: both sides of the header's end and of every frame's tag.
        let sealed = seal(&key, 1, &text(2 * FRAME_BYTES + 5));
        let stride = FRAME_BYTES + TAG_BYTES;
        for border in [HEADER_BYTES, HEADER_BYTES + stride, HEADER_BYTES + 2 * stride, sealed.sealed.len()] {
            for at in [border - 17, border - 16, border - 1, border]
                .into_iter()
                .filter(|at| *at < sealed.sealed.len())
            {
                let mut altered = sealed.sealed.to_vec();
                altered[at] ^= 1;
                assert!(opened(&key, sealed.part, &altered).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn authenticated_at_rest_truncation_at_a_frame_border_is_refused() {
        // INVARIANT (authenticated-at-rest)
        let key = DataKey::generate().unwrap();
        let sealed = seal(&key, 1, &text(3 * FRAME_BYTES));
        for frames in 1..3 {
            let cut = &sealed.sealed[..HEADER_BYTES + frames * (FRAME_BYTES + TAG_BYTES)];
            let error = opened(&key, sealed.part, cut).unwrap_err();
            assert!(
                matches!(error, ArtifactsError::PartSealed { frame, .. } if frame == frames as u64),
                "{error}"
            );
            // Even if the recorded size was changed to fit.
            let part = Part { number: 1, bytes: (frames * FRAME_BYTES) as u64 };
            let error = opened(&key, part, cut).unwrap_err();
            assert!(
                matches!(error, ArtifactsError::PartSealed { frame, .. } if frame == frames as u64 - 1),
                "{error}"
            );
        }
        for cut in [0, 1, HEADER_BYTES, HEADER_BYTES + 15] {
            assert!(opened(&key, Part { number: 1, bytes: 0 }, &sealed.sealed[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn authenticated_at_rest_frames_parts_uploads_and_keys_cannot_be_exchanged() {
        // INVARIANT (authenticated-at-rest)
        let key = DataKey::generate().unwrap();
        let (one, two) = (seal(&key, 1, &text(3 * FRAME_BYTES)), seal(&key, 2, &text(3 * FRAME_BYTES)));
        assert!(opened(&key, one.part, &two.sealed).is_err(), "part 2 as part 1");
        assert!(opened(&DataKey::generate().unwrap(), one.part, &one.sealed).is_err(), "another key");
        assert!(open_part(&key, upload(2), one.part, &one.sealed).is_err(), "another upload");

        let stride = FRAME_BYTES + TAG_BYTES;
        let frame = |n: usize| HEADER_BYTES + n * stride..HEADER_BYTES + (n + 1) * stride;
        let mut swapped = one.sealed.to_vec();
        swapped[frame(0)].copy_from_slice(&one.sealed[frame(1)]);
        swapped[frame(1)].copy_from_slice(&one.sealed[frame(0)]);
        assert!(opened(&key, one.part, &swapped).is_err(), "two frames swapped");
        let mut foreign = one.sealed.to_vec();
        foreign[frame(1)].copy_from_slice(&two.sealed[frame(1)]);
        assert!(opened(&key, one.part, &foreign).is_err(), "a frame of another part");
        assert_eq!(opened(&key, one.part, &one.sealed).unwrap(), text(3 * FRAME_BYTES));
    }

    #[test]
    fn the_bounds_hold() {
        let key = DataKey::generate().unwrap();
        for number in [0, MAX_PARTS + 1] {
            assert!(PartEncryptor::new(&key, upload(1), number).is_err());
        }
        let mut encryptor = PartEncryptor::new(&key, upload(1), MAX_PARTS).unwrap();
        let half = text(MAX_PART_BYTES as usize / 2);
        encryptor.push(&half).unwrap();
        encryptor.push(&half).unwrap();
        assert!(matches!(encryptor.push(b"x"), Err(ArtifactsError::PartTooLarge { .. })));
        assert_eq!(encryptor.finish().unwrap().part.bytes, MAX_PART_BYTES);
    }

    #[test]
    fn equal_plaintexts_do_not_look_alike() {
        let key = DataKey::generate().unwrap();
        assert_ne!(seal(&key, 1, &text(64)).sealed, seal(&key, 1, &text(64)).sealed);
    }
}
