//! A segment of the write-ahead log of predictions: what was whole comes back, and nothing behind the first damage.
#![no_main]

use comptroller_lake::wal::frames;
use comptroller_ledger::hash::digest;
use libfuzzer_sys::fuzz_target;

/// Bytes before those of a frame: its length, and the beginning of its digest.
const HEAD: usize = 12;

fuzz_target!(|bytes: &[u8]| {
    let mut found = Vec::new();
    let read = frames(&mut &*bytes, bytes.len() as u64, |number, frame| {
        found.push(frame);
        assert_eq!(number as usize, found.len());
        Ok(())
    });
    let (count, end) = read.expect("bytes in memory can be read");
    assert_eq!(count as usize, found.len());
    assert_eq!(found.iter().map(|frame| HEAD + frame.len()).sum::<usize>() as u64, end);
    // What was written as the log writes it comes back, whatever is left of the one behind it.
    let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == 0).filter(|piece| !piece.is_empty()).collect();
    let mut log = Vec::new();
    for piece in &pieces {
        log.extend_from_slice(&(piece.len() as u32).to_le_bytes());
        log.extend_from_slice(&digest(piece).as_bytes()[..8]);
        log.extend_from_slice(piece);
    }
    let cut = bytes.first().map_or(0, |byte| usize::from(*byte)).min(log.len());
    log.truncate(log.len() - cut);
    let mut back = Vec::new();
    let read = frames(&mut log.as_slice(), log.len() as u64, |_, frame| {
        back.push(frame);
        Ok(())
    });
    read.expect("bytes in memory can be read");
    assert!(back.iter().zip(&pieces).all(|(back, piece)| back == piece));
    assert!(cut > 0 || back.len() == pieces.len());
});
