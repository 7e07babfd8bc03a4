//! Columns of vectors: embeddings of texts, pictures, products.
//!
//! Four measures, each of something else: the cosine distance of the two mean vectors; V of each component; V of the
//! score of a domain classifier on rows that it was not fitted on; and the linear-time maximum mean discrepancy. The
//! classifier's V is what enters the coefficient, as one feature: its rows are fresh, so under no drift both sides have
//! one law, and the same noise and the same gate hold as for every other column.
//!
//! Means are from every row; the rest is from an even sample of bounded size ([`Vectors`]), because a classifier has to
//! hold its rows.

mod classifier;
mod compare;
mod discrepancy;
mod moments;
mod sample;
mod vectors;

pub use classifier::{Classifier, HeldOut, held_out};
pub use compare::{Component, Embedding, compare, of_profiles};
pub use discrepancy::{Discrepancy, linear_discrepancy};
pub use moments::{Moments, cosine_distance};
pub use sample::VectorSample;
pub use vectors::{MAX_DIMS, VectorGather, Vectors};
