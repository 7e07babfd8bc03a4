//! Prints how long one decision takes. Asserts nothing: numbers of one machine are no test.
fn main() {}
