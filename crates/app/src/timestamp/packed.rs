//! The time-stamps of an evidence pack: that of its head, and of earlier heads, evenly spread.
//!
//! A token is verified again before it goes into a pack: one bad one would make every careful reader refuse the pack.

use crate::AppError;
use comptroller_ledger::{SignedCheckpoint, timestamp};
use comptroller_store::journal::{self, CheckpointRow};
use comptroller_store::{Conn, timestamps};

/// Most time-stamps of one pack. The first and the newest are among them.
const MAX_PACKED: usize = 1_000;

/// The stamped heads up to `last` that go into a pack, rising, each with the bytes of its token.
pub(crate) async fn packed(conn: &mut Conn, last: i64) -> Result<Vec<(CheckpointRow, Vec<u8>)>, AppError> {
    let sizes = timestamps::sizes(conn, last).await?;
    let mut heads = Vec::new();
    for size in spread(&sizes, MAX_PACKED) {
        let Some(row) = timestamps::of_size(conn, size).await? else { continue };
        let Some(head) = journal::checkpoints(conn, size, size, 1).await?.pop() else { continue };
        match checked(&row, &head) {
            Ok(token) => heads.push((head, token)),
            Err(error) => tracing::error!(
                log.size = size,
                error,
                "a stored time-stamp does not verify and is left out; somebody may have edited the database"
            ),
        }
    }
    Ok(heads)
}

fn checked(row: &comptroller_store::TimestampRow, head: &CheckpointRow) -> Result<Vec<u8>, String> {
    let token = row.bytes().map_err(|error| error.to_string())?;
    let signed = SignedCheckpoint::parse(head.note.as_bytes()).map_err(|error| error.to_string())?;
    timestamp::verify(&token, signed.note().text().as_bytes(), None).map_err(|error| error.to_string())?;
    Ok(token)
}

/// At most `most` of `all`, evenly spread, the first and the last among them.
fn spread(all: &[i64], most: usize) -> Vec<i64> {
    if all.len() <= most {
        return all.to_vec();
    }
    (0..most).map(|at| all[at * (all.len() - 1) / (most - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_newest_are_always_taken() {
        let all: Vec<i64> = (0..9_999).collect();
        let some = spread(&all, 1_000);
        assert_eq!((some.len(), some[0], some[999]), (1_000, 0, 9_998));
        assert!(some.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(spread(&[4, 7], 2), [4, 7]);
        assert_eq!(spread(&[], 2), [0_i64; 0]);
    }
}
