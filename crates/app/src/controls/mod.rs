//! Controls: which are in operation, by which definition, and what is done about their exceptions.
//!
//! A control counts from the entry that puts it in operation. The entry names the digest of the definition and keeps its
//! text as a private part, so that a later version of the product cannot change what was asked before.

mod files;
mod offline;
mod reading;
mod test;

/// The table of tests as CSV, and timelines as a page.
pub use comptroller_report::controls::{tests_csv, timeline_html};
pub use offline::{altered_files, engine_of, pack_oscal, test_pack};
pub use test::{ControlTest, TestControls};

use crate::act::{Act, Call};
use crate::view::Receipt;
use crate::{App, AppError, Caller, ORG};
use comptroller_compliance::control::{Control, Library, MAX_FILE_BYTES, shipped};
use comptroller_compliance::window::{History, Record};
use comptroller_core::name::ControlId;
use comptroller_core::private::{Note, check_text};
use comptroller_core::vocab::ExceptionStep;
use comptroller_core::{Digest, Event, Timestamp};
use comptroller_ledger::Entry;
use comptroller_policy::Action;
use comptroller_store::Conn;
use comptroller_store::journal::{self, EntryFilter, EntryRow, Opened};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest time until a remediation is due, in days.
const MAX_DUE_DAYS: u32 = 366;
/// How far back an exception may lie about which something is recorded, in days: ten years.
const NOTED_DAYS: i64 = 3_653;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Entries read at a time.
const CHUNK: i64 = 1_024;

/// Puts a control in operation, or another definition of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptControl {
    /// Its id. Without a definition it is that of the product's library.
    pub control: ControlId,
    /// An own definition: the text of its TOML file, at most 16 KiB.
    #[serde(default)]
    pub definition: Option<String>,
}

/// Records something about an exception.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteException {
    /// The control.
    pub control: ControlId,
    /// The occurrence, as the test of the control names it.
    pub occurrence: String,
    /// What is recorded.
    pub step: ExceptionStep,
    /// In words.
    pub text: String,
    /// Of a remediation that is still to be done: in how many days from now, 1 to 366. Without it, it was done.
    #[serde(default)]
    pub due_days: Option<u32>,
}

/// A control of the library or in operation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ControlView {
    /// Its id.
    pub id: ControlId,
    /// What it is called.
    pub title: String,
    /// The role that answers for it.
    pub owner: comptroller_core::Role,
    /// When it is expected.
    pub rhythm: String,
    /// Since when the present definition is in operation; none = it is not.
    pub since: Option<Timestamp>,
    /// SHA-256 of the definition in operation.
    pub definition: Option<Digest>,
    /// SHA-256 of the definition in the product's library, if it is another one.
    pub other_in_library: Option<Digest>,
}

impl App {
    /// Puts a control in operation, or another definition of it.
    ///
    /// # Errors
    /// A conflict if exactly this definition is in operation already.
    pub async fn adopt_control(&self, call: &Call, command: AdoptControl) -> Result<Receipt, AppError> {
        self.act(call, "control.adopt", command, |act, command| Box::pin(adopt(act, command))).await
    }

    /// Takes a control out of operation.
    pub async fn retire_control(
        &self,
        call: &Call,
        id: ControlId,
        command: crate::assess::Because,
    ) -> Result<Receipt, AppError> {
        self.act(call, "control.retire", (id, command), |mut act, (control, command)| {
            Box::pin(async move {
                check_text("reason", &command.reason, false)?;
                act.may(Action::ControlManage, &format!("control/{control}"), None).await?;
                let held = history(act.conn()).await?.in_force(&control).cloned();
                let Some(definition) = held else {
                    return Err(AppError::Conflict(format!("{control} is not in operation")));
                };
                let draft = act
                    .draft(Event::ControlRetired { control: control.clone(), definition })
                    .about("control", &control)
                    .private("reason", &Note { text: command.reason })?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(control, index))
            })
        })
        .await
    }

    /// Records cause, effect, remediation, retest or management's response of an exception.
    pub async fn note_exception(&self, call: &Call, command: NoteException) -> Result<Receipt, AppError> {
        let resource = format!("control/{}", command.control);
        self.may_read(&call.caller, Action::ExceptionNote, &resource, None, None).await?;
        self.is_exception(&command).await?;
        self.act(call, "exception.note", command, |mut act, command| {
            Box::pin(async move {
                check_text("text", &command.text, false)?;
                let NoteException { control, occurrence, step, text, due_days } = command;
                let due_at = due_days.map(|days| due(step, days, act.now())).transpose()?;
                act.may(Action::ExceptionNote, &format!("control/{control}"), None).await?;
                let exception = comptroller_compliance::window::exception_id(control.as_str(), &occurrence);
                if step == ExceptionStep::RetestPassed {
                    may_close(&mut act, &exception, &occurrence).await?;
                }
                let draft = act
                    .draft(Event::ExceptionNoted {
                        exception: exception.clone(),
                        control: control.clone(),
                        step,
                        due_at,
                    })
                    .about("control", &control)
                    .about("exception", &exception)
                    .private("note", &Note { text })?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(exception, index))
            })
        })
        .await
    }

    /// Refuses a note about what is no exception: no test of controls would ever show it.
    async fn is_exception(&self, command: &NoteException) -> Result<(), AppError> {
        let control = command.control.as_str();
        let mut conn = self.store.read().await?;
        if history(&mut conn).await?.changes(control).is_empty() {
            return Err(AppError::not_found("control in operation", control));
        }
        drop(conn);
        let signed = self.store.publish().await?;
        let signed = signed.ok_or_else(|| AppError::Conflict("the log is empty".into()))?;
        let to = self.store.clock().now();
        let from = to.plus_seconds(-NOTED_DAYS * DAY);
        let asked = TestControls { from, to, framework: None, control: Some(control.to_owned()) };
        let test = self.test_until(asked, &signed, None).await?;
        let exception = comptroller_compliance::window::exception_id(control, &command.occurrence);
        if test.result.controls.iter().flat_map(|of| &of.exceptions).any(|one| one.id == exception) {
            return Ok(());
        }
        let message = format!(
            "{control} has no exception `{}`: name one as `comptroller control test` does",
            command.occurrence
        );
        Err(AppError::invalid("occurrence", message))
    }

    /// The controls of the library and those in operation.
    pub async fn controls(&self, caller: &Caller) -> Result<Vec<ControlView>, AppError> {
        self.may_read(caller, Action::AuditRead, ORG, None, None).await?;
        self.all_controls().await
    }

    /// Those in operation.
    pub(crate) async fn controls_in_operation(&self) -> Result<Vec<ControlView>, AppError> {
        let mut all = self.all_controls().await?;
        all.retain(|control| control.since.is_some());
        Ok(all)
    }

    async fn all_controls(&self) -> Result<Vec<ControlView>, AppError> {
        let mut conn = self.store.read().await?;
        let mut history = history(&mut conn).await?;
        for control in definitions(&mut conn, self.store.key()).await? {
            history.define(control);
        }
        drop(conn);
        views(&history, &library()?)
    }
}

/// Refuses a passed retest of what nobody has remedied, and one by whoever remedied it or did what it is about: an
/// exception is not closed by the word of the person whose work it judges.
async fn may_close(act: &mut Act<'_>, exception: &Digest, occurrence: &str) -> Result<(), AppError> {
    let caller = act.caller.actor();
    let history = history(act.conn()).await?;
    let remedied = history.notes(exception).iter().rfind(|note| note.step == ExceptionStep::Remediation);
    let Some(remedied) = remedied else {
        return Err(AppError::Conflict(
            "nothing was done about it on record: note the remediation first, with --step remediation".into(),
        ));
    };
    if remedied.actor == caller {
        return Err(AppError::Conflict("whoever remedied it does not retest it: somebody else does".into()));
    }
    let index = occurrence.strip_prefix("event/").and_then(|index| index.parse::<i64>().ok());
    if let Some(index) = index {
        for row in journal::entries(act.conn(), index, index.saturating_add(1)).await? {
            let entry: Entry = serde_json::from_str(&row.entry)?;
            if entry.actor == caller {
                return Err(AppError::Conflict(
                    "you did what the exception is about: somebody else retests it".into(),
                ));
            }
        }
    }
    Ok(())
}

/// The first moment at which a remediation comes too late.
fn due(step: ExceptionStep, days: u32, now: Timestamp) -> Result<Timestamp, AppError> {
    if step != ExceptionStep::Remediation {
        return Err(AppError::invalid("due_days", format!("{step} is not due: only a remediation is")));
    }
    if !(1..=MAX_DUE_DAYS).contains(&days) {
        return Err(AppError::invalid("due_days", format!("{days} is not 1 to {MAX_DUE_DAYS}")));
    }
    Ok(now.plus_seconds(i64::from(days) * DAY))
}

fn views(history: &History, library: &Library) -> Result<Vec<ControlView>, AppError> {
    let ids: std::collections::BTreeSet<&str> =
        library.iter().map(|control| control.id.as_str()).chain(history.controls()).collect();
    let mut views = Vec::new();
    for id in ids {
        let id: ControlId =
            id.parse().map_err(|error| AppError::Internal(format!("control {id}: {error}")))?;
        let definition = history.in_force(&id).cloned();
        let known = definition.as_ref().and_then(|digest| history.definition(digest));
        let shipped = library.get(id.as_str());
        let Some(control) = known.or(shipped) else { continue };
        let since = history.changes(id.as_str()).last().map(|change| change.at);
        let other = shipped.filter(|shipped| definition.as_ref().is_some_and(|held| *held != shipped.digest));
        views.push(ControlView {
            title: control.title.clone(),
            owner: control.owner,
            rhythm: control.rhythm(),
            since: since.filter(|_| definition.is_some()),
            definition,
            other_in_library: other.map(|control| control.digest.clone()),
            id,
        });
    }
    Ok(views)
}

/// Refuses a control that says it serves a criterion which its framework does not have. Of frameworks that are not the
/// product's own nothing is known here.
fn serves_what_there_is(control: &Control) -> Result<(), AppError> {
    let known = comptroller_compliance::control::references().map_err(AppError::Internal)?;
    let is_ours = |framework: &str| known.iter().any(|one| one.split(':').next() == Some(framework));
    for serves in &control.serves {
        let framework = serves.criterion.split(':').next().unwrap_or_default();
        if is_ours(framework) && !known.contains(&serves.criterion) {
            return Err(AppError::invalid(
                "definition",
                format!("it serves {}, and {framework} has no such row", serves.criterion),
            ));
        }
    }
    Ok(())
}

async fn adopt(mut act: Act<'_>, command: AdoptControl) -> Result<Receipt, AppError> {
    let AdoptControl { control: id, definition } = command;
    act.may(Action::ControlManage, &format!("control/{id}"), None).await?;
    let control = match definition {
        Some(text) => own(&id, &text)?,
        None => library()?
            .get(id.as_str())
            .cloned()
            .ok_or_else(|| AppError::not_found("control of the library", &id))?,
    };
    serves_what_there_is(&control)?;
    let held = history(act.conn()).await?.in_force(&id).cloned();
    let definition = control.digest.clone();
    let event = match held {
        Some(held) if held == definition => {
            return Err(AppError::Conflict(format!("{id} is in operation by exactly this definition")));
        }
        Some(previous) => Event::ControlChanged { control: id.clone(), definition, previous },
        None => Event::ControlAdopted { control: id.clone(), definition },
    };
    let draft = act.draft(event).about("control", &id).private("definition", &Note { text: control.text })?;
    let index = act.record(draft).await?;
    Ok(Receipt::new(id, index))
}

fn own(id: &ControlId, text: &str) -> Result<Control, AppError> {
    if text.len() > MAX_FILE_BYTES {
        return Err(AppError::invalid("definition", format!("has more than {MAX_FILE_BYTES} bytes")));
    }
    let control = Control::parse("definition", text)
        .map_err(|error| AppError::invalid("definition", error.to_string()))?;
    if control.id != id.as_str() {
        return Err(AppError::invalid("definition", format!("its id is {}, and not {id}", control.id)));
    }
    Ok(control)
}

/// The controls that come with the product.
pub(crate) fn library() -> Result<Library, AppError> {
    shipped().map_err(|error| AppError::Internal(format!("control library: {error}")))
}

/// Entries of one type, oldest first.
pub(crate) async fn entries_of(conn: &mut Conn, kind: &str) -> Result<Vec<EntryRow>, AppError> {
    let filter = EntryFilter { kind: kind.to_owned(), ..EntryFilter::default() };
    let (mut rows, mut before) = (Vec::new(), i64::MAX);
    loop {
        let page = journal::search(conn, &filter, before, CHUNK).await?;
        let Some(last) = page.last() else { break };
        before = last.idx;
        rows.extend(page);
    }
    rows.reverse();
    Ok(rows)
}

/// What the journal says about controls. Without definitions.
async fn history(conn: &mut Conn) -> Result<History, AppError> {
    let mut rows = Vec::new();
    for kind in History::KINDS {
        rows.extend(entries_of(conn, kind).await?);
    }
    rows.sort_by_key(|row| row.idx);
    let mut history = History::default();
    for row in rows {
        let entry: Entry = serde_json::from_str(&row.entry)?;
        history.push(&record(row.idx.unsigned_abs(), &entry));
    }
    Ok(history)
}

/// An entry as the engine takes it.
pub(crate) fn record(index: u64, entry: &Entry) -> Record<'_> {
    Record {
        index,
        at: Timestamp::from_micros(entry.recorded_at),
        kind: &entry.kind,
        actor: &entry.actor,
        stream: &entry.stream,
        data: &entry.data,
    }
}

/// Whether a control is in operation, or was.
pub(crate) async fn is_known(conn: &mut Conn, control: &ControlId) -> Result<bool, AppError> {
    Ok(!history(conn).await?.changes(control.as_str()).is_empty())
}

/// Every definition that was put in operation and can be read, and those of the library.
pub(crate) async fn definitions(
    conn: &mut Conn,
    key: &comptroller_store::keys::OrgKey,
) -> Result<Vec<Control>, AppError> {
    let mut controls: Vec<Control> = library()?.iter().cloned().collect();
    for kind in ["control.adopted", "control.changed"] {
        for row in entries_of(conn, kind).await? {
            if let Opened::Readable { plain, .. } = journal::payload(conn, key, row.idx).await? {
                let note: Note = serde_json::from_slice(&plain)?;
                // A text that an older version of the product accepted and this one does not is not readable to it.
                controls.extend(Control::parse("definition", &note.text));
            }
        }
    }
    Ok(controls)
}
