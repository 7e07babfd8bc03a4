//! The compact form of a proof: the same content as the readable one, in about a quarter of its bytes.
//!
//! Pure: bytes in, bytes out; it proves nothing by itself. What is read back goes through the same verification as the
//! readable form. `docs/PREDICTIONS.md` has every byte.

use super::packed::{Packed, Unpacked, put_number};
use super::proof::{FORMAT, MAX_BYTES, PredictionProof, VERSION};
use comptroller_lake::records::{Cell, Field, Kind, MAX_ROW_COLUMNS, SALT_BYTES};
use comptroller_ledger::Hash;

/// The first bytes of the form.
pub(super) const MAGIC: &[u8; 8] = b"CTLPRF01";
/// Stands with the type of a field that has no value.
const NULL: u8 = 0x80;
/// Bytes of the entry and of the log's proof together, at most.
const MAX_TEXT: usize = 4 << 20;

impl PredictionProof {
    /// The compact form; none for a proof that is not well formed.
    pub fn to_compact(&self) -> Option<Vec<u8>> {
        let mut out = MAGIC.to_vec();
        put_number(&mut out, self.index);
        let mut salt = [0; SALT_BYTES];
        hex::decode_to_slice(&self.salt, &mut salt).ok()?;
        out.extend_from_slice(&salt);
        put_number(&mut out, self.record.len() as u64);
        let mut before = "";
        for field in &self.record {
            put_field(&mut out, before, field)?;
            before = &field.name;
        }
        out.push(u8::try_from(self.hashes.len()).ok()?);
        for hash in &self.hashes {
            out.extend_from_slice(hash.as_bytes());
        }
        let mut packed = Packed::default();
        packed.text(&self.entry);
        let entry = packed.take();
        packed.text(&self.proof);
        for part in [entry, packed.take()] {
            put_number(&mut out, part.len() as u64);
            out.extend_from_slice(&part);
        }
        Some(out)
    }

    /// Reads the compact form.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_compact(bytes: &[u8]) -> Result<Self, &'static str> {
        const SHORT: &str = "the compact proof is cut off";
        if bytes.len() > MAX_BYTES {
            return Err("the compact proof is too large");
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or("not a compact proof")?;
        let mut input = Unpacked::new(rest, MAX_TEXT);
        let index = input.number().ok_or(SHORT)?;
        let salt = hex::encode(input.bytes(SALT_BYTES).ok_or(SHORT)?);
        let count = input.number().ok_or(SHORT)?;
        if count > MAX_ROW_COLUMNS as u64 {
            return Err("more fields than a record has");
        }
        let mut record: Vec<Field> = Vec::new();
        for _ in 0..count {
            let before = record.last().map_or("", |field| field.name.as_str());
            let field = field(&mut input, before).ok_or("a field of the compact proof is not one")?;
            record.push(field);
        }
        let mut hashes = Vec::new();
        for _ in 0..input.byte().ok_or(SHORT)? {
            let hash: [u8; 32] = input.bytes(32).and_then(|hash| hash.try_into().ok()).ok_or(SHORT)?;
            hashes.push(Hash::new(hash));
        }
        let mut text = || input.text().ok_or("a text of the compact proof is not one");
        let (entry, proof) = (text()?, text()?);
        if !input.is_at_end() {
            return Err("bytes behind the end of the compact proof");
        }
        Ok(Self { format: FORMAT.to_owned(), version: VERSION, record, salt, index, hashes, entry, proof })
    }
}

/// Type, bytes that the name shares with the one before, the rest of the name, and the value.
fn put_field(out: &mut Vec<u8>, before: &str, field: &Field) -> Option<()> {
    let null = if field.value == Cell::Null { NULL } else { 0 };
    out.push(field.kind.code() | null);
    let shared = before.bytes().zip(field.name.bytes()).take_while(|(a, b)| a == b).count();
    put_number(out, shared as u64);
    put_number(out, (field.name.len() - shared) as u64);
    out.extend_from_slice(&field.name.as_bytes()[shared..]);
    match (field.kind, &field.value) {
        (_, Cell::Null) => {}
        (Kind::Text, Cell::Text(text)) => {
            put_number(out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
        (Kind::Whole, Cell::Whole(whole)) => out.extend_from_slice(&whole.to_be_bytes()),
        (Kind::Truth, Cell::Truth(truth)) => out.push(u8::from(*truth)),
        (Kind::Vector, Cell::Vector(vector)) => {
            put_number(out, vector.len() as u64);
            out.extend(vector.iter().flat_map(|number| number.to_be_bytes()));
        }
        (Kind::Number, value) => out.extend_from_slice(&value.number()?.to_be_bytes()),
        _ => return None,
    }
    Some(())
}

fn field(input: &mut Unpacked<'_>, before: &str) -> Option<Field> {
    let code = input.byte()?;
    let kind = Kind::from_code(code & !NULL)?;
    let shared = usize::try_from(input.number()?).ok()?;
    let rest = usize::try_from(input.number()?).ok()?;
    let name = [before.as_bytes().get(..shared)?, input.bytes(rest)?].concat();
    let name = String::from_utf8(name).ok()?;
    let value = match (code & NULL, kind) {
        (NULL, _) => Cell::Null,
        (_, Kind::Text) => {
            let length = usize::try_from(input.number()?).ok()?;
            Cell::Text(String::from_utf8(input.bytes(length)?.to_vec()).ok()?)
        }
        (_, Kind::Whole) => Cell::Whole(i64::from_be_bytes(input.eight()?)),
        (_, Kind::Truth) => Cell::Truth(match input.byte()? {
            0 => false,
            1 => true,
            _ => return None,
        }),
        (_, Kind::Vector) => {
            let length = usize::try_from(input.number()?).ok()?.checked_mul(4)?;
            let numbers = input.bytes(length)?.as_chunks::<4>().0.iter();
            Cell::Vector(numbers.map(|bytes| f32::from_be_bytes(*bytes)).collect())
        }
        (_, Kind::Number) => Cell::of_number(f64::from_be_bytes(input.eight()?)),
    };
    Some(Field { name, kind, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof() -> PredictionProof {
        let field = |name: &str, kind, value| Field { name: name.into(), kind, value };
        PredictionProof {
            format: FORMAT.into(),
            version: VERSION,
            record: vec![
                field("id", Kind::Text, Cell::Text("order-\u{e9}".into())),
                field("input.a", Kind::Number, Cell::Number(-0.0)),
                field("input.aa", Kind::Number, Cell::Text("NaN".into())),
                field("input.b", Kind::Number, Cell::Null),
                field("input.\u{e9}", Kind::Truth, Cell::Truth(true)),
                field("input.\u{ea}", Kind::Whole, Cell::Whole(-5)),
                field("input.\u{eb}", Kind::Vector, Cell::Vector(vec![0.1, -0.0, 3e38])),
                field("time", Kind::Whole, Cell::Whole(i64::MAX)),
            ],
            salt: "0123456789abcdef0123456789abcdef".into(),
            index: 65_535,
            hashes: vec![Hash::new([7; 32]); 16],
            entry: "{\"actor\":\"system\",\"commitments\":[],\"data\":{\"block\":\"0190a1b2-0000-7000-8000-00000000000a\"}}"
                .into(),
            proof: "c2sp.org/tlog-proof@v1\nindex 5\n\nlog\n6\n".into(),
        }
    }

    #[test]
    fn what_was_made_compact_comes_back() {
        let proof = proof();
        let compact = proof.to_compact().unwrap();
        assert_eq!(PredictionProof::from_compact(&compact).unwrap(), proof);
        for end in 0..compact.len() {
            assert!(PredictionProof::from_compact(&compact[..end]).is_err(), "cut at {end}");
        }
        let longer = [compact.as_slice(), b"x"].concat();
        assert!(PredictionProof::from_compact(&longer).is_err());
    }

    #[test]
    fn a_proof_that_is_not_well_formed_has_no_compact_form() {
        let mut salt = proof();
        salt.salt = "zz".into();
        assert!(salt.to_compact().is_none());
        let mut kind = proof();
        kind.record[0].value = Cell::Number(1.0);
        assert!(kind.to_compact().is_none());
    }
}
