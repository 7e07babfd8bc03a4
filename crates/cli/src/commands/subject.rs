//! `comptroller subject`: data subjects, what they ask for, and erasure.

use super::{Context, subject_request};
use crate::args::Paging;
use crate::client::path;
use crate::input::one_of;
use clap::Subcommand;
use comptroller_app::subjects::{EraseSubject, RegisterSubject};
use comptroller_core::Timestamp;
use comptroller_core::ids::SubjectId;
use comptroller_core::vocab::ErasureBasis;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a data subject known, and the dataset versions that hold records about it.
    Register {
        /// How the organisation refers to the subject, for example a customer number.
        reference: String,
        /// A dataset version, as DATASET@LABEL or id. May be given several times.
        #[arg(long, value_name = "VERSION")]
        dataset: Vec<String>,
    },
    /// List data subjects.
    List(Paging),
    /// Show a data subject.
    Show {
        /// Its id.
        subject: String,
    },
    /// Destroy the subject's key, so that its payloads can never be read again. Every proof still holds after it.
    Erase {
        /// `subject/ID` for a data subject, `person/ID` for somebody who used this system.
        subject: String,
        /// Why.
        #[arg(long, value_parser = one_of(ErasureBasis::ALL, ErasureBasis::as_str))]
        basis: ErasureBasis,
        /// When the last backup of the keys expires, RFC 3339. Until then its holder could still read.
        #[arg(long, value_name = "TIME")]
        key_backups_expire_at: Option<Timestamp>,
    },
    /// What a data subject asks for: access, erasure, objection, explanation.
    #[command(subcommand)]
    Request(subject_request::Verb),
    /// Decide what becomes of a version that was trained on data that held a subject. The last decision counts.
    Decide(Box<subject_request::DecideArgs>),
    /// Show what an erasure came to: which data held the subject, what was done, which versions remain affected and what
    /// was decided about each; what is open first. Reading it is recorded.
    DeletionReport {
        /// The subject, by id.
        subject: SubjectId,
    },
}

pub(crate) fn run(context: &Context, verb: Verb) -> anyhow::Result<()> {
    let Context { client, screen } = context;
    match verb {
        Verb::Request(verb) => subject_request::run(context, verb),
        Verb::Decide(arguments) => subject_request::decide(context, *arguments),
        Verb::DeletionReport { subject } => subject_request::report(context, subject),
        Verb::Register { reference, dataset } => {
            let command = RegisterSubject { reference, datasets: dataset };
            screen.object(&client.post(&path(&["subjects"]), &command)?)
        }
        Verb::List(paging) => {
            let answer = client.list(&path(&["subjects"]), &[], &paging)?;
            screen.table(
                &answer,
                &[
                    ("ID", "/id"),
                    ("REFERENCE", "/reference"),
                    ("DATASETS", "/datasets"),
                    ("REGISTERED", "/registered_at"),
                    ("ERASED", "/erased_at"),
                ],
            )
        }
        Verb::Show { subject } => screen.object(&client.get(&path(&["subjects", &subject]), &[])?),
        Verb::Erase { subject, basis, key_backups_expire_at } => {
            let command = EraseSubject { subject, basis, key_backups_expire_at };
            screen.object(&client.post(&path(&["subjects", "erase"]), &command)?)
        }
    }
}
