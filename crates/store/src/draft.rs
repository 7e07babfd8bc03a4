//! An event before it has an index.

use comptroller_core::ids::{PrincipalId, SystemId};
use comptroller_core::{Event, Timestamp};
use serde::Serialize;

/// The private part of an event, to be encrypted.
#[derive(Clone, Debug)]
pub struct Private {
    /// Name of the commitment, for example `text`.
    pub name: String,
    /// Whose key encrypts it: `person/<id>`, `subject/<id>`; none = a key of this record alone.
    pub subject: Option<String>,
    /// The content.
    pub value: serde_json::Value,
}

/// An event before it has an index.
#[derive(Clone, Debug)]
pub struct Draft {
    /// `system/<id>` or `org`.
    pub stream: String,
    /// What happened.
    pub event: Event,
    /// Who acted.
    pub actor: String,
    /// Ids of what it is about, for example `version/<id>`, without personal data.
    pub subjects: Vec<String>,
    /// When it happened, if not now.
    pub occurred_at: Option<Timestamp>,
    /// The caller's idempotency key.
    pub idempotency_key: Option<String>,
    /// The private part.
    pub private: Option<Private>,
}

impl Draft {
    /// An event of the organisation, or of the AI system that the event itself names.
    pub fn new(actor: &str, event: Event) -> Self {
        let stream = event.system().map_or_else(|| "org".to_owned(), |system| format!("system/{system}"));
        Self {
            stream,
            event,
            actor: actor.to_owned(),
            subjects: Vec::new(),
            occurred_at: None,
            idempotency_key: None,
            private: None,
        }
    }

    /// Puts the event into the stream of an AI system.
    pub fn of_system(mut self, system: SystemId) -> Self {
        self.stream = format!("system/{system}");
        self
    }

    /// Names something that the event is about.
    pub fn about(mut self, kind: &str, id: &impl ToString) -> Self {
        self.subjects.push(format!("{kind}/{}", id.to_string()));
        self
    }

    /// Carries the caller's idempotency key.
    pub fn keyed(mut self, key: Option<&str>) -> Self {
        self.idempotency_key = key.map(str::to_owned);
        self
    }

    /// Adds a private part under a key of this record alone.
    pub fn private(self, name: &str, value: &impl Serialize) -> Result<Self, serde_json::Error> {
        self.private_of(name, None, value)
    }

    /// Adds a private part under a person's own key.
    pub fn private_of_person(
        self,
        name: &str,
        person: PrincipalId,
        value: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        self.private_of(name, Some(format!("person/{person}")), value)
    }

    /// Adds a private part under the key of `subject`.
    pub fn private_of(
        mut self,
        name: &str,
        subject: Option<String>,
        value: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        self.private = Some(Private { name: name.to_owned(), subject, value: serde_json::to_value(value)? });
        Ok(self)
    }
}
