//! The write-ahead log: what was acknowledged comes back, what was cut off does not, and files end when all is kept.

use comptroller_lake::wal::{Make, Position, Wal, WalError};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

fn append(wal: &Wal, bytes: &[u8]) -> Receiver<Result<Position, WalError>> {
    let (told, answer) = channel();
    let bytes = bytes.to_vec();
    wal.append(Box::new(move |_| Ok(bytes)), Box::new(move |result| told.send(result).unwrap()));
    answer
}

fn open(folder: &Path) -> (Wal, Vec<(Position, Vec<u8>)>) {
    let mut found = Vec::new();
    let wal = Wal::open(folder, |position, bytes| {
        found.push((position, bytes));
        Ok(())
    });
    (wal.unwrap(), found)
}

fn segments(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "wal")).count()
}

#[test]
fn acknowledged_is_durable_and_released_is_gone() {
    // INVARIANT (acknowledged-is-durable)
    let folder = tempfile::tempdir().unwrap();
    let (wal, found) = open(folder.path());
    assert!(found.is_empty());
    let waiting: Vec<_> = (0..200_u32).map(|n| append(&wal, &n.to_be_bytes())).collect();
    let positions: Vec<Position> = waiting.iter().map(|answer| answer.recv().unwrap().unwrap()).collect();
    drop(wal);
    let (wal, found) = open(folder.path());
    assert_eq!(found.len(), 200);
    for (n, (position, bytes)) in (0_u32..).zip(&found) {
        assert_eq!((*position, bytes.as_slice()), (positions[n as usize], n.to_be_bytes().as_slice()));
    }
    for position in &positions[1..] {
        wal.release(*position).unwrap();
    }
    assert_eq!(segments(folder.path()), 1, "one frame is still needed");
    wal.release(positions[0]).unwrap();
    assert_eq!(segments(folder.path()), 0);
    drop(wal);
    assert!(open(folder.path()).1.is_empty());
}

#[test]
fn a_frame_that_was_cut_at_any_byte_is_set_aside_and_the_ones_before_it_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (wal, _) = open(folder.path());
    for text in ["first", "second", "third frame"] {
        append(&wal, text.as_bytes()).recv().unwrap().unwrap();
    }
    drop(wal);
    let file = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "wal"))
        .unwrap();
    let whole = std::fs::read(&file).unwrap();
    let starts = [0, 12 + 5, 2 * 12 + 5 + 6, whole.len()];
    for end in 0..=whole.len() {
        let other = tempfile::tempdir().unwrap();
        let path = other.path().join(file.file_name().unwrap());
        std::fs::write(&path, &whole[..end]).unwrap();
        let (wal, found) = open(other.path());
        let expected = starts.iter().filter(|start| **start <= end).count() - 1;
        assert_eq!(found.len(), expected, "cut at {end}");
        let cut: u64 = wal.cuts().iter().map(|cut| cut.bytes).sum();
        assert_eq!(cut as usize, end - starts[expected], "cut at {end}: what is left is kept");
        // The log goes on behind it, and is read again without complaint.
        append(&wal, b"later").recv().unwrap().unwrap();
        drop(wal);
        let (wal, found) = open(other.path());
        assert_eq!(found.len(), expected + 1, "cut at {end}");
        assert!(wal.cuts().is_empty());
    }
}

#[test]
fn a_damaged_frame_far_before_the_end_is_named_and_nothing_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (wal, _) = open(folder.path());
    let large = vec![7; 12 << 20];
    for _ in 0..5 {
        append(&wal, &large).recv().unwrap().unwrap();
    }
    drop(wal);
    let file = folder.path().join("0000000000000001.wal");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let error = Wal::open(folder.path(), |_, _| Ok(())).unwrap_err();
    assert!(matches!(error, WalError::Damaged { frame: 1, .. }), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes, "it is left as it is");
}

#[test]
fn a_second_process_is_refused_and_a_frame_that_cannot_be_made_harms_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (wal, _) = open(folder.path());
    assert!(matches!(Wal::open(folder.path(), |_, _| Ok(())), Err(WalError::InUse { .. })));
    let (told, answer) = channel();
    let broken: Make = Box::new(|_| Err("no".to_owned()));
    wal.append(broken, Box::new(move |result| told.send(result).unwrap()));
    assert!(matches!(answer.recv().unwrap(), Err(WalError::Frame(problem)) if problem == "no"));
    assert!(append(&wal, b"good").recv().unwrap().is_ok());
    drop(wal);
    assert_eq!(open(folder.path()).1.len(), 1);
}
