//! The bytes of a record, from which its leaf in the block's tree is made.
//!
//! Leaf = SHA-256(0x00 ‖ salt (16) ‖ schema digest (32) ‖ cells). The schema digest is SHA-256 over
//! `comptroller-record/1` and, for each column in the order of the names, the length of its name (4 bytes,
//! big-endian), the name and its type (1). A cell is 0 for no value; or its type and the value: 1 text (length in 4
//! bytes, UTF-8), 2 number (the 8 bytes of a 64-bit float, every NaN as 7ff8000000000000), 3 whole number (8 bytes,
//! two's complement), 4 truth value (1), 5 vector (count in 4 bytes, each the 4 bytes of a finite 32-bit float).
//! Big-endian throughout. `docs/PREDICTIONS.md` says the same for auditors.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{Array as _, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow_schema::DataType;
use comptroller_ledger::Hash;
use comptroller_ledger::hash::Digester;
use serde::{Deserialize, Serialize, Serializer};

/// Columns of a record, at most.
pub const MAX_ROW_COLUMNS: usize = 2_000;
/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;
const MAGIC: &[u8] = b"comptroller-record/1";
const NAN: u64 = 0x7ff8_0000_0000_0000;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// UTF-8.
    Text,
    /// A 64-bit float.
    Number,
    /// A 64-bit whole number.
    Whole,
    /// True or false.
    Truth,
    /// An embedding: finite 32-bit floats.
    Vector,
}

impl Kind {
    /// The byte that stands for it.
    pub const fn code(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Number => 2,
            Self::Whole => 3,
            Self::Truth => 4,
            Self::Vector => 5,
        }
    }

    /// The type that a byte stands for.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Text),
            2 => Some(Self::Number),
            3 => Some(Self::Whole),
            4 => Some(Self::Truth),
            5 => Some(Self::Vector),
            _ => None,
        }
    }

    pub(crate) fn of(kind: &DataType) -> Option<Self> {
        match kind {
            DataType::Utf8 => Some(Self::Text),
            DataType::Float64 => Some(Self::Number),
            DataType::Int64 => Some(Self::Whole),
            DataType::Boolean => Some(Self::Truth),
            DataType::List(item) if *item.data_type() == DataType::Float32 => Some(Self::Vector),
            _ => None,
        }
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// No value.
    Null,
    /// True or false.
    Truth(bool),
    /// A whole number.
    Whole(i64),
    /// A 64-bit float; NaN and infinities are written as texts.
    Number(f64),
    /// A text.
    Text(String),
    /// An embedding.
    Vector(#[serde(serialize_with = "exactly")] Vec<f32>),
}

/// Writes 32-bit floats as the 64-bit floats that they are: the shortest digits of 32 bits, read as 64 and rounded again,
/// are another number once in a billion times, and a proof would fail by it.
fn exactly<S: Serializer>(vector: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(vector.iter().map(|number| f64::from(*number)))
}

impl Cell {
    /// A float as a value: what JSON cannot write is a text.
    pub fn of_number(number: f64) -> Self {
        if number.is_nan() {
            Self::Text("NaN".to_owned())
        } else if number.is_infinite() {
            Self::Text(if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned())
        } else {
            Self::Number(number)
        }
    }

    /// The float that a value of a number column stands for.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            // A JSON writer may leave the point away.
            Self::Whole(whole) => exact(*whole),
            Self::Text(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                _ => None,
            },
            Self::Null | Self::Truth(_) | Self::Vector(_) => None,
        }
    }
}

/// A column with the value of one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The value. A number that JSON cannot write is one of the texts `NaN`, `Infinity` and `-Infinity`.
    pub value: Cell,
}

/// Why fields are no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field {name:?}: {problem}")]
pub struct RowError {
    /// The field.
    pub name: String,
    /// What is wrong.
    pub problem: &'static str,
}

/// Bytes of a record, made field by field.
struct RowBytes(Vec<u8>);

impl RowBytes {
    fn null(&mut self) {
        self.0.push(0);
    }

    fn text(&mut self, text: &str) {
        self.0.push(Kind::Text.code());
        self.0.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, number: f64) {
        self.0.push(Kind::Number.code());
        let bits = if number.is_nan() { NAN } else { number.to_bits() };
        self.0.extend_from_slice(&bits.to_be_bytes());
    }

    fn whole(&mut self, whole: i64) {
        self.0.push(Kind::Whole.code());
        self.0.extend_from_slice(&whole.to_be_bytes());
    }

    fn truth(&mut self, truth: bool) {
        self.0.extend_from_slice(&[Kind::Truth.code(), u8::from(truth)]);
    }

    fn vector(&mut self, vector: &[f32]) {
        self.0.push(Kind::Vector.code());
        self.0.extend_from_slice(&u32::try_from(vector.len()).unwrap_or(u32::MAX).to_be_bytes());
        for number in vector {
            self.0.extend_from_slice(&number.to_bits().to_be_bytes());
        }
    }
}

/// The digest of a schema: names in order, with their types.
pub fn schema_digest<'a>(columns: impl Iterator<Item = (&'a str, Kind)>) -> Hash {
    let mut digester = Digester::new();
    digester.update(MAGIC);
    for (name, kind) in columns {
        digester.update(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes());
        digester.update(name.as_bytes());
        digester.update(&[kind.code()]);
    }
    digester.finish()
}

/// The salt of a record: the first half of SHA-256(secret ‖ index, 8 bytes, big-endian). The secret is random and
/// stands in the encrypted block alone.
pub(crate) fn salt(secret: &[u8; 32], index: u64) -> [u8; SALT_BYTES] {
    let mut digester = Digester::new();
    digester.update(secret);
    digester.update(&index.to_be_bytes());
    let mut salt = [0; SALT_BYTES];
    salt.copy_from_slice(&digester.finish().as_bytes()[..SALT_BYTES]);
    salt
}

/// The leaf of a record that is given by its fields, in the order of their names.
pub fn leaf(fields: &[Field], salt: &[u8; SALT_BYTES]) -> Result<Hash, RowError> {
    let wrong = |name: &str, problem| RowError { name: name.chars().take(80).collect(), problem };
    if fields.len() > MAX_ROW_COLUMNS {
        return Err(wrong("", "there are more fields than a record has"));
    }
    for pair in fields.windows(2) {
        if pair[0].name >= pair[1].name {
            return Err(wrong(&pair[1].name, "fields stand in the order of their names, each once"));
        }
    }
    let mut row = RowBytes(Vec::with_capacity(fields.len() * 10));
    for field in fields {
        match (field.kind, &field.value) {
            (_, Cell::Null) => row.null(),
            (Kind::Text, Cell::Text(text)) => row.text(text),
            (Kind::Whole, Cell::Whole(whole)) => row.whole(*whole),
            (Kind::Truth, Cell::Truth(truth)) => row.truth(*truth),
            (Kind::Vector, Cell::Vector(vector)) if vector.iter().all(|number| number.is_finite()) => {
                row.vector(vector);
            }
            (Kind::Number, value) => match value.number() {
                Some(number) => row.number(number),
                None => return Err(wrong(&field.name, "the value is not of the type")),
            },
            _ => return Err(wrong(&field.name, "the value is not of the type")),
        }
    }
    let schema = schema_digest(fields.iter().map(|field| (field.name.as_str(), field.kind)));
    Ok(leaf_of(salt, &schema, &row.0))
}

/// A whole number as a float, if every digit of it fits.
fn exact(whole: i64) -> Option<f64> {
    let number = whole.to_string().parse::<f64>().ok()?;
    (whole.unsigned_abs() <= 1 << 53).then_some(number)
}

fn leaf_of(salt: &[u8; SALT_BYTES], schema: &Hash, row: &[u8]) -> Hash {
    let mut digester = Digester::new();
    // INVARIANT (domain-separation): leaves behind 0x00.
    digester.update(&[0x00]);
    digester.update(salt);
    digester.update(schema.as_bytes());
    digester.update(row);
    digester.finish()
}

enum Column<'a> {
    Text(&'a StringArray),
    Number(&'a Float64Array),
    Whole(&'a Int64Array),
    Truth(&'a BooleanArray),
    Vector(&'a ListArray),
}

fn columns(batch: &RecordBatch) -> Option<Vec<Column<'_>>> {
    batch
        .columns()
        .iter()
        .map(|column| {
            Some(match Kind::of(column.data_type())? {
                Kind::Text => Column::Text(column.as_string()),
                Kind::Number => Column::Number(column.as_primitive::<Float64Type>()),
                Kind::Whole => Column::Whole(column.as_primitive::<Int64Type>()),
                Kind::Truth => Column::Truth(column.as_boolean()),
                Kind::Vector => Column::Vector(column.as_list()),
            })
        })
        .collect()
}

/// The vector in place `at` of a column of [`Kind::Vector`].
pub(super) fn vector_at(column: &ListArray, at: usize) -> &[f32] {
    let (from, to) = (column.value_offsets()[at], column.value_offsets()[at + 1]);
    let span = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
    column.values().as_primitive_opt::<Float32Type>().map_or(&[], |values| &values.values()[span])
}

/// The schema digest of a table; none if a column has a type that records do not have.
pub(crate) fn schema_of(batch: &RecordBatch) -> Option<Hash> {
    let schema = batch.schema();
    let named: Option<Vec<(&str, Kind)>> = schema
        .fields()
        .iter()
        .map(|field| Some((field.name().as_str(), Kind::of(field.data_type())?)))
        .collect();
    Some(schema_digest(named?.into_iter()))
}

/// The leaves of every record of a table, in order; none if a column has a type that records do not have.
pub(crate) fn leaves(batch: &RecordBatch, secret: &[u8; 32]) -> Option<Vec<Hash>> {
    let columns = columns(batch)?;
    let digest = schema_of(batch)?;
    let mut leaves = Vec::with_capacity(batch.num_rows());
    let mut row = RowBytes(Vec::with_capacity(columns.len() * 12));
    for at in 0..batch.num_rows() {
        row.0.clear();
        for column in &columns {
            match column {
                Column::Text(column) if column.is_valid(at) => row.text(column.value(at)),
                Column::Number(column) if column.is_valid(at) => row.number(column.value(at)),
                Column::Whole(column) if column.is_valid(at) => row.whole(column.value(at)),
                Column::Truth(column) if column.is_valid(at) => row.truth(column.value(at)),
                Column::Vector(column) if column.is_valid(at) => row.vector(vector_at(column, at)),
                _ => row.null(),
            }
        }
        leaves.push(leaf_of(&salt(secret, at as u64), &digest, &row.0));
    }
    Some(leaves)
}

/// The fields of one record of a table.
pub(crate) fn fields_of(batch: &RecordBatch, at: usize) -> Vec<Field> {
    let schema = batch.schema();
    let columns = columns(batch).unwrap_or_default();
    let fields = schema.fields().iter().zip(&columns).map(|(field, column)| {
        let (kind, value) = match column {
            Column::Text(column) => {
                (Kind::Text, column.is_valid(at).then(|| Cell::Text(column.value(at).to_owned())))
            }
            Column::Number(column) => {
                (Kind::Number, column.is_valid(at).then(|| Cell::of_number(column.value(at))))
            }
            Column::Whole(column) => {
                (Kind::Whole, column.is_valid(at).then(|| Cell::Whole(column.value(at))))
            }
            Column::Truth(column) => {
                (Kind::Truth, column.is_valid(at).then(|| Cell::Truth(column.value(at))))
            }
            Column::Vector(column) => {
                let vector = || Cell::Vector(vector_at(column, at).to_vec());
                (Kind::Vector, column.is_valid(at).then(vector))
            }
        };
        Field { name: field.name().clone(), kind, value: value.unwrap_or(Cell::Null) }
    });
    fields.collect()
}
