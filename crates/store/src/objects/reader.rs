//! Reading one object from its start in pieces of the caller's size, so that no whole object need be in memory.
//!
//! Large buffers that wander between threads stay with the allocator of each; pieces of about a mebibyte do not add up.

use super::{Cause, Objects, ObjectsError, check_size, name};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetResultPayload, ObjectStore};
use std::fs::File;
use std::io::Read;

/// An object being read from its start.
pub struct ObjectReader {
    objects: Objects,
    name: String,
    bytes: u64,
    source: Source,
}

enum Source {
    File(Option<File>),
    Body { rest: BoxStream<'static, object_store::Result<Bytes>>, left_over: Bytes },
}

impl Objects {
    /// Starts to read an object; a larger one than `limit` bytes is refused.
    pub async fn read(&self, name: &str, limit: u64) -> Result<ObjectReader, ObjectsError> {
        name::check(name)?;
        let found = self.store.get_opts(&ObjectPath::from(name), GetOptions::default()).await;
        let found = found.map_err(|error| self.read_failure("read", name, error))?;
        check_size(name, found.meta.size, limit)?;
        let source = match found.payload {
            GetResultPayload::File(file, _) => Source::File(Some(file)),
            GetResultPayload::Stream(rest) => Source::Body { rest, left_over: Bytes::new() },
        };
        Ok(ObjectReader { objects: self.clone(), name: name.to_owned(), bytes: found.meta.size, source })
    }
}

impl ObjectReader {
    /// Size of the object.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next `want` bytes, in a buffer that nobody else holds; fewer only at the end of the object.
    ///
    /// After an error, or if the future is dropped half-way, the reader cannot be used on.
    pub async fn next(&mut self, want: usize) -> Result<BytesMut, ObjectsError> {
        match &mut self.source {
            Source::File(slot) => {
                let Some(mut file) = slot.take() else {
                    return Err(self.objects.refused("read", &self.name, "an earlier read failed".into()));
                };
                let work = move || {
                    let mut piece = Vec::with_capacity(want);
                    let read = Read::by_ref(&mut file).take(want as u64).read_to_end(&mut piece);
                    read.map(|_| (file, BytesMut::from(Bytes::from(piece))))
                };
                let failed = |cause: Cause| self.objects.refused("read", &self.name, cause);
                let (file, piece) = tokio::task::spawn_blocking(work)
                    .await
                    .map_err(|error| failed(error.into()))?
                    .map_err(|error| failed(error.into()))?;
                *slot = Some(file);
                Ok(piece)
            }
            Source::Body { rest, left_over } => {
                let mut piece = BytesMut::with_capacity(want);
                loop {
                    let now = left_over.len().min(want - piece.len());
                    piece.extend_from_slice(&left_over[..now]);
                    left_over.advance(now);
                    if piece.len() == want {
                        return Ok(piece);
                    }
                    match rest.next().await {
                        Some(Ok(more)) => *left_over = more,
                        Some(Err(error)) => return Err(self.objects.read_failure("read", &self.name, error)),
                        None => return Ok(piece),
                    }
                }
            }
        }
    }
}
