//! The inventory: AI systems, vendors, links and tags.

use crate::act::{Act, Call};
use crate::assessments::AssessmentMark;
use crate::people::find_team;
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::{SystemId, TeamId, VendorId};
use comptroller_core::private::{SystemText, VendorText, check_text};
use comptroller_core::vocab::{Relation, RiskTier, SystemKind, SystemStatus};
use comptroller_core::{Event, Slug, TagText, Timestamp};
use comptroller_policy::Action;
use comptroller_store::areas::systems::{self, SystemFilter, SystemRow, VendorRow};
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Registers a vendor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterVendor {
    /// Its short name.
    pub slug: Slug,
    /// Names and contacts.
    pub text: VendorText,
}

/// Registers an AI system.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterSystem {
    /// Its short name.
    pub slug: Slug,
    /// Own, third-party API or shadow.
    pub kind: SystemKind,
    /// Where it stands in its life.
    pub status: SystemStatus,
    /// The owning team, by id or name.
    pub owner_team: String,
    /// The vendor, by id or name; required for a third-party API.
    #[serde(default)]
    pub vendor: Option<String>,
    /// What it is for.
    pub text: SystemText,
}

/// Changes facts of a system; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSystem {
    /// Where it stands in its life.
    #[serde(default)]
    pub status: Option<SystemStatus>,
    /// The owning team, by id or name.
    #[serde(default)]
    pub owner_team: Option<String>,
    /// What it is for, whole.
    #[serde(default)]
    pub text: Option<SystemText>,
}

/// Says how a system hangs together with another system or a vendor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkSystem {
    /// The relation.
    pub relation: Relation,
    /// The other system, by id or name.
    #[serde(default)]
    pub to_system: Option<String>,
    /// The vendor, by id or name.
    #[serde(default)]
    pub to_vendor: Option<String>,
}

/// Sets a tag; without a value, removes it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetTag {
    /// The key.
    pub key: TagText,
    /// The value.
    #[serde(default)]
    pub value: Option<TagText>,
}

/// An AI system.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SystemView {
    /// Its id.
    pub id: SystemId,
    /// Its short name.
    pub slug: Slug,
    /// Own, third-party API or shadow.
    pub kind: SystemKind,
    /// Where it stands in its life.
    pub status: SystemStatus,
    /// The owning team.
    pub owner_team: TeamId,
    /// The vendor.
    pub vendor: Option<VendorId>,
    /// Its risk tier; none until a risk officer has classified it.
    pub risk_tier: Option<RiskTier>,
    /// What it is for.
    pub text: Option<SystemText>,
    /// Links to systems and vendors.
    pub links: Vec<LinkView>,
    /// Free-form tags.
    pub tags: BTreeMap<String, String>,
    /// How its risk was assessed last; none if nobody did, and in lists.
    pub assessment: Option<AssessmentMark>,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A link of a system.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LinkView {
    /// The relation.
    pub relation: Relation,
    /// `system/<id>` or `vendor/<id>`.
    pub target: String,
}

/// A vendor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VendorView {
    /// Its id.
    pub id: VendorId,
    /// Its short name.
    pub slug: Slug,
    /// Names and contacts.
    pub text: Option<VendorText>,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// What a list of systems is narrowed to.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SystemQuery {
    /// Kind.
    pub kind: Option<SystemKind>,
    /// Status.
    pub status: Option<SystemStatus>,
    /// Owning team, by id or name.
    pub team: Option<String>,
    /// Part of the short name.
    pub q: Option<String>,
    /// `key` or `key=value`.
    pub tag: Option<String>,
}

/// Finds a system by id or name.
pub(crate) async fn find(conn: &mut Conn, name: &str) -> Result<SystemRow, AppError> {
    systems::system(conn, name).await?.ok_or_else(|| AppError::not_found("system", name))
}

async fn find_vendor(conn: &mut Conn, name: &str) -> Result<VendorRow, AppError> {
    systems::vendor(conn, name).await?.ok_or_else(|| AppError::not_found("vendor", name))
}

fn check(text: &SystemText) -> Result<(), AppError> {
    check_text("title", &text.title, false)?;
    check_text("purpose", &text.purpose, false)?;
    check_text("intended_use", &text.intended_use, true)?;
    let lists = [("populations", &text.populations), ("data_sources", &text.data_sources)];
    for (what, list) in lists {
        if list.len() > 100 {
            return Err(AppError::invalid(what, "at most 100 items"));
        }
        for item in list {
            check_text(what, item, false)?;
        }
    }
    Ok(())
}

impl App {
    /// Registers a vendor.
    pub async fn register_vendor(&self, call: &Call, command: RegisterVendor) -> Result<Receipt, AppError> {
        self.act(call, "vendor.register", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::VendorRegister, ORG, None).await?;
                check_text("name", &command.text.name, false)?;
                check_text("contact", &command.text.contact, true)?;
                let vendor = act.new_id(VendorId::new)?;
                let draft = act
                    .draft(Event::VendorRegistered { vendor, slug: command.slug })
                    .about("vendor", &vendor)
                    .private("text", &command.text)?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(vendor, index))
            })
        })
        .await
    }

    /// Registers an AI system.
    pub async fn register_system(&self, call: &Call, command: RegisterSystem) -> Result<Receipt, AppError> {
        self.act(call, "system.register", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::SystemRegister, ORG, None).await?;
                check(&command.text)?;
                let owner_team = find_team(act.conn(), &command.owner_team).await?.id.0;
                let vendor = match &command.vendor {
                    Some(name) => Some(find_vendor(act.conn(), name).await?.id.0),
                    None if command.kind == SystemKind::ThirdPartyApi => {
                        return Err(AppError::invalid("vendor", "a third-party API needs its vendor"));
                    }
                    None => None,
                };
                let system = act.new_id(SystemId::new)?;
                let event = Event::SystemRegistered {
                    system,
                    slug: command.slug,
                    kind: command.kind,
                    status: command.status,
                    owner_team,
                    vendor,
                };
                let draft = act.draft(event).about("system", &system).private("text", &command.text)?;
                let index = act.record(draft).await?;
                Ok(Receipt::new(system, index))
            })
        })
        .await
    }

    /// Changes facts of a system.
    pub async fn update_system(
        &self,
        call: &Call,
        name: String,
        command: UpdateSystem,
    ) -> Result<Receipt, AppError> {
        self.act(call, "system.update", (name, command), |mut act, (name, command)| {
            Box::pin(async move {
                let row = find(act.conn(), &name).await?;
                let system = row.id.0;
                act.may(Action::SystemUpdate, &format!("system/{system}"), Some(system)).await?;
                if command.status.is_none() && command.owner_team.is_none() && command.text.is_none() {
                    return Err(AppError::invalid(
                        "request",
                        "name at least one of status, owner_team, text",
                    ));
                }
                let owner_team = match &command.owner_team {
                    Some(name) => Some(find_team(act.conn(), name).await?.id.0),
                    None => None,
                };
                let text_changed = command.text.is_some();
                let event = Event::SystemUpdated { system, status: command.status, owner_team, text_changed };
                let mut draft = act.draft(event).about("system", &system);
                if let Some(text) = &command.text {
                    check(text)?;
                    draft = draft.private("text", text)?;
                }
                let index = act.record(draft).await?;
                Ok(Receipt::new(system, index))
            })
        })
        .await
    }

    /// Links a system to another one or to a vendor.
    pub async fn link_system(
        &self,
        call: &Call,
        name: String,
        command: LinkSystem,
    ) -> Result<Receipt, AppError> {
        self.act(call, "system.link", (name, command), |mut act, (name, command)| {
            Box::pin(async move {
                let system = find(act.conn(), &name).await?.id.0;
                act.may(Action::SystemLink, &format!("system/{system}"), Some(system)).await?;
                let (to_system, to_vendor) = link_target(&mut act, &command).await?;
                if to_system == Some(system) {
                    return Err(AppError::invalid("to_system", "a system cannot be linked to itself"));
                }
                let event = Event::SystemLinked { system, relation: command.relation, to_system, to_vendor };
                let draft = act.draft(event).about("system", &system);
                let index = act.record(draft).await?;
                Ok(Receipt::new(system, index))
            })
        })
        .await
    }

    /// Sets or removes a tag of a system.
    pub async fn tag_system(&self, call: &Call, name: String, command: SetTag) -> Result<Receipt, AppError> {
        self.act(call, "tag.set", (name, command), |mut act, (name, command)| {
            Box::pin(async move {
                let system = find(act.conn(), &name).await?.id.0;
                let subject = format!("system/{system}");
                act.may(Action::TagSet, &subject, Some(system)).await?;
                let event = Event::TagSet { subject, key: command.key, value: command.value };
                let draft = act.draft(event).of_system(system).about("system", &system);
                let index = act.record(draft).await?;
                Ok(Receipt::new(system, index))
            })
        })
        .await
    }

    /// One system.
    pub async fn system(&self, caller: &Caller, name: &str) -> Result<SystemView, AppError> {
        let mut conn = self.store.read().await?;
        let row = find(&mut conn, name).await?;
        let id = row.id.0;
        let assessment = self.assessment_mark(&mut conn, &row).await?;
        let view = SystemView { assessment, ..self.system_view(&mut conn, row).await? };
        drop(conn);
        self.may_read(caller, Action::SystemRead, &format!("system/{id}"), Some(id), None).await?;
        Ok(view)
    }

    /// Systems by name.
    pub async fn systems(
        &self,
        caller: &Caller,
        query: SystemQuery,
        slice: Slice,
    ) -> Result<Page<SystemView>, AppError> {
        self.may_read(caller, Action::SystemRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let team = match &query.team {
            Some(name) => find_team(&mut conn, name).await?.id.0.to_string(),
            None => String::new(),
        };
        let tag = query.tag.unwrap_or_default();
        let (tag_key, tag_value) = tag.split_once('=').unwrap_or((&tag, ""));
        let filter = SystemFilter {
            kind: query.kind.map_or_else(String::new, |k| k.to_string()),
            status: query.status.map_or_else(String::new, |s| s.to_string()),
            team,
            contains: query.q.unwrap_or_default(),
            tag_key: tag_key.to_owned(),
            tag_value: tag_value.to_owned(),
        };
        let mut views = Vec::new();
        for row in systems::systems(&mut conn, &filter, slice.after(), limit + 1).await? {
            views.push(self.system_view(&mut conn, row).await?);
        }
        Ok(page(views, limit, |view| view.slug.to_string()))
    }

    /// Vendors by name.
    pub async fn vendors(&self, caller: &Caller, slice: Slice) -> Result<Page<VendorView>, AppError> {
        self.may_read(caller, Action::VendorRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let mut views = Vec::new();
        for row in systems::vendors(&mut conn, slice.after(), limit + 1).await? {
            let text = journal::private(&mut conn, self.store.key(), row.private_at).await?;
            views.push(VendorView {
                id: row.id.0,
                slug: row.slug.0,
                text,
                registered_at: row.registered_at.0,
            });
        }
        Ok(page(views, limit, |view| view.slug.to_string()))
    }

    async fn system_view(&self, conn: &mut Conn, row: SystemRow) -> Result<SystemView, AppError> {
        let id = row.id.0;
        let text = journal::private(conn, self.store.key(), row.private_at).await?;
        let links = systems::links(conn, id).await?;
        let tags = systems::tags(conn, &format!("system/{id}")).await?;
        Ok(SystemView {
            id,
            slug: row.slug.0,
            kind: row.kind.0,
            status: row.status.0,
            owner_team: row.owner_team.0,
            vendor: row.vendor.map(|v| v.0),
            risk_tier: row.risk_tier.map(|tier| tier.0),
            text,
            links: links.into_iter().map(|(relation, target)| LinkView { relation, target }).collect(),
            tags: tags.into_iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            assessment: None,
            registered_at: row.registered_at.0,
            updated_at: row.updated_at.0,
        })
    }
}

async fn link_target(
    act: &mut Act<'_>,
    command: &LinkSystem,
) -> Result<(Option<SystemId>, Option<VendorId>), AppError> {
    match (&command.to_system, &command.to_vendor) {
        (Some(name), None) => Ok((Some(find(act.conn(), name).await?.id.0), None)),
        (None, Some(name)) => Ok((None, Some(find_vendor(act.conn(), name).await?.id.0))),
        _ => Err(AppError::invalid("to_system", "name exactly one of to_system and to_vendor")),
    }
}
