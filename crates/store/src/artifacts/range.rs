//! Reading some bytes of a stored part, frame by frame as always, without the frames before and behind them.

use super::part::{HEADER_BYTES, PartOpener, frames_of};
use super::{ArtifactsError, Part, part_name};
use crate::keys::DataKey;
use crate::objects::Objects;
use bytes::{Bytes, BytesMut};
use comptroller_core::ids::UploadId;
use std::ops::Range;

/// The bytes `range` of a stored part. Only the frames that hold them are read and opened: that they are genuine and in
/// their place is known, that the rest of the part is there is not.
pub async fn read_range(
    objects: &Objects,
    key: &DataKey,
    upload: UploadId,
    part: Part,
    range: Range<u64>,
) -> Result<Bytes, ArtifactsError> {
    if range.start > range.end || range.end > part.bytes {
        return Err(ArtifactsError::Range { from: range.start, to: range.end, bytes: part.bytes });
    }
    let failed = |source| ArtifactsError::Objects { upload, source };
    let name = part_name(upload, part.number);
    let (frames, stored) = frames_of(part, &range)?;
    let header = objects.get_range(&name, 0..HEADER_BYTES as u64);
    let sealed = objects.get_range(&name, stored);
    let (header, sealed) = futures_util::future::try_join(header, sealed).await.map_err(failed)?;
    let mut opener = PartOpener::new(key, upload, part, &header)?.at_frame(frames.start);
    let first = opener.place();
    let opening = tokio::task::spawn_blocking(move || -> Result<Vec<u8>, ArtifactsError> {
        let (mut sealed, mut plain) = (sealed, Vec::new());
        for _ in frames {
            let due = opener.next_bytes().unwrap_or(0);
            let frame = sealed.split_to(due.min(sealed.len()));
            plain.extend_from_slice(&opener.open_frame(BytesMut::from(&frame[..]))?);
        }
        Ok(plain)
    });
    let plain = Bytes::from(opening.await.map_err(|_| ArtifactsError::Stopped { upload })??);
    let (start, end) = ((range.start - first) as usize, (range.end - first) as usize);
    // The frames hold what their numbers say, or they did not open.
    plain
        .get(start..end)
        .map(|_| plain.slice(start..end))
        .ok_or(ArtifactsError::PartFormat { upload, number: part.number })
}
