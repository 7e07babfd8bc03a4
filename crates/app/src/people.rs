//! People, service accounts, roles and teams.

use crate::act::{Act, Call};
use crate::view::{Page, Receipt, Slice, page};
use crate::{App, AppError, Caller, ORG};
use comptroller_core::ids::{PrincipalId, SystemId, TeamId};
use comptroller_core::private::{PersonText, check_text};
use comptroller_core::vocab::{PrincipalKind, ReadKind};
use comptroller_core::{Event, Role, Slug};
use comptroller_policy::{Action, Facts};
use comptroller_store::areas::people::{self, PrincipalRow};
use comptroller_store::areas::{access, systems};
use comptroller_store::{Conn, journal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Makes a person known.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddPerson {
    /// Display name.
    pub name: String,
    /// E-mail address; signs in by it.
    pub email: String,
}

/// Makes a service account known.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddServiceAccount {
    /// Its name.
    pub slug: Slug,
}

/// Gives or takes a role.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRole {
    /// The principal's id, or a service account's name.
    pub principal: String,
    /// The role.
    pub role: Role,
    /// The system it holds for, by id or name; none = the whole organisation.
    #[serde(default)]
    pub system: Option<String>,
}

/// Makes a team.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTeam {
    /// Its name.
    pub slug: Slug,
}

/// Adds a member to a team, or removes one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeMember {
    /// The team, by id or name.
    pub team: String,
    /// The principal's id, or a service account's name.
    pub principal: String,
}

/// A person or a service account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PrincipalView {
    /// Its id.
    pub id: PrincipalId,
    /// Person or service account.
    pub kind: PrincipalKind,
    /// Name of a service account.
    pub slug: Option<Slug>,
    /// `active`, `disabled` or `erased`.
    pub status: String,
    /// Name and e-mail of a person; none after erasure.
    pub person: Option<PersonText>,
    /// Its roles.
    pub roles: Vec<RoleView>,
}

/// A role somebody has.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RoleView {
    /// The role.
    pub role: Role,
    /// The system it holds for; none = the whole organisation.
    pub system: Option<SystemId>,
}

/// A team.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TeamView {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub slug: Slug,
    /// Ids of its members.
    pub members: Vec<PrincipalId>,
}

/// Finds a principal by id, or a service account by name.
pub(crate) async fn find(conn: &mut Conn, name: &str) -> Result<PrincipalRow, AppError> {
    people::principal(conn, name).await?.ok_or_else(|| AppError::not_found("principal", name))
}

/// Finds a team by id or name.
pub(crate) async fn find_team(conn: &mut Conn, name: &str) -> Result<people::TeamRow, AppError> {
    people::team(conn, name).await?.ok_or_else(|| AppError::not_found("team", name))
}

/// Lower-case form under which an e-mail address is looked up.
pub(crate) fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

pub(crate) fn check_person(person: &PersonText) -> Result<(), AppError> {
    check_text("name", &person.name, false)?;
    let email = person.email.as_str();
    let plausible = email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
    if plausible && person.name.len() <= 200 {
        return Ok(());
    }
    Err(AppError::invalid("email", "give a name of at most 200 bytes and an address like name@example.org"))
}

/// Records a person and the keyed look-up digest of the e-mail address.
pub(crate) async fn add_person(
    act: &mut Act<'_>,
    person: PersonText,
) -> Result<(PrincipalId, u64), AppError> {
    check_person(&person)?;
    let principal = act.new_id(PrincipalId::new)?;
    let lookup = act.tx.key().lookup_digest("email", &email_key(&person.email));
    let key = act.tx.shared_key();
    if access::identity(act.conn(), &key, &lookup).await?.is_some() {
        return Err(AppError::Conflict("a person with this e-mail address exists already".into()));
    }
    let draft = act
        .draft(Event::PersonAdded { principal })
        .about("person", &principal)
        .private_of_person("person", principal, &person)?;
    let index = act.record(draft).await?;
    access::put_identity(act.tx, &lookup, principal, None).await?;
    Ok((principal, index))
}

impl App {
    /// Makes a person known.
    pub async fn add_person(&self, call: &Call, command: AddPerson) -> Result<Receipt, AppError> {
        self.act(call, "person.add", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::PersonAdd, ORG, None).await?;
                let person = PersonText { name: command.name, email: command.email };
                let (principal, index) = add_person(&mut act, person).await?;
                Ok(Receipt::new(principal, index))
            })
        })
        .await
    }

    /// Makes a service account known.
    pub async fn add_service_account(
        &self,
        call: &Call,
        command: AddServiceAccount,
    ) -> Result<Receipt, AppError> {
        self.act(call, "service_account.add", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::ServiceAccountAdd, ORG, None).await?;
                let principal = act.new_id(PrincipalId::new)?;
                let draft = act
                    .draft(Event::ServiceAccountAdded { principal, slug: command.slug })
                    .about("person", &principal);
                let index = act.record(draft).await?;
                Ok(Receipt::new(principal, index))
            })
        })
        .await
    }

    /// Stops a principal from acting. What it did stays.
    pub async fn disable_principal(&self, call: &Call, name: String) -> Result<Receipt, AppError> {
        self.act(call, "principal.disable", name, |mut act, name| {
            Box::pin(async move {
                act.may(Action::PrincipalDisable, ORG, None).await?;
                let row = find(act.conn(), &name).await?;
                if row.status != "active" {
                    return Err(AppError::Conflict(format!("the account is {} already", row.status)));
                }
                let draft =
                    act.draft(Event::PrincipalDisabled { principal: row.id.0 }).about("person", &row.id.0);
                let index = act.record(draft).await?;
                Ok(Receipt::new(row.id.0, index))
            })
        })
        .await
    }

    /// Gives a role.
    pub async fn grant_role(&self, call: &Call, command: ChangeRole) -> Result<Receipt, AppError> {
        self.act(call, "role.grant", command, |act, command| {
            Box::pin(change_role(act, command, Action::RoleGrant, |principal, role, system| {
                Event::RoleGranted { principal, role, system }
            }))
        })
        .await
    }

    /// Takes a role away.
    pub async fn revoke_role(&self, call: &Call, command: ChangeRole) -> Result<Receipt, AppError> {
        self.act(call, "role.revoke", command, |act, command| {
            Box::pin(change_role(act, command, Action::RoleRevoke, |principal, role, system| {
                Event::RoleRevoked { principal, role, system }
            }))
        })
        .await
    }

    /// Makes a team.
    pub async fn create_team(&self, call: &Call, command: CreateTeam) -> Result<Receipt, AppError> {
        self.act(call, "team.create", command, |mut act, command| {
            Box::pin(async move {
                act.may(Action::TeamCreate, ORG, None).await?;
                let team = act.new_id(TeamId::new)?;
                let draft = act.draft(Event::TeamCreated { team, slug: command.slug }).about("team", &team);
                let index = act.record(draft).await?;
                Ok(Receipt::new(team, index))
            })
        })
        .await
    }

    /// Adds a member to a team.
    pub async fn add_member(&self, call: &Call, command: ChangeMember) -> Result<Receipt, AppError> {
        self.act(call, "team.add_member", command, |act, command| {
            Box::pin(change_member(act, command, |team, principal| Event::TeamMemberAdded {
                team,
                principal,
            }))
        })
        .await
    }

    /// Removes a member from a team.
    pub async fn remove_member(&self, call: &Call, command: ChangeMember) -> Result<Receipt, AppError> {
        self.act(call, "team.remove_member", command, |act, command| {
            Box::pin(change_member(act, command, |team, principal| Event::TeamMemberRemoved {
                team,
                principal,
            }))
        })
        .await
    }

    /// One principal. Reading a person is an event.
    pub async fn principal(&self, caller: &Caller, name: &str) -> Result<PrincipalView, AppError> {
        self.may_read(caller, Action::PersonRead, ORG, None, None).await?;
        let mut conn = self.store.read().await?;
        let row = find(&mut conn, name).await?;
        let view = self.principal_view(&mut conn, row).await?;
        drop(conn);
        if view.person.is_some() {
            self.note_read(caller, ReadKind::PersonalData, &format!("person/{}", view.id), 1).await?;
        }
        Ok(view)
    }

    /// Who the caller is. Reading oneself is no event.
    pub async fn whoami(&self, caller: &Caller) -> Result<PrincipalView, AppError> {
        let mut conn = self.store.read().await?;
        let row = find(&mut conn, &caller.principal.to_string()).await?;
        self.principal_view(&mut conn, row).await
    }

    /// People and service accounts. Reading people is an event.
    pub async fn principals(&self, caller: &Caller, slice: Slice) -> Result<Page<PrincipalView>, AppError> {
        self.may_read(caller, Action::PersonRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let mut views = Vec::new();
        for row in people::principals(&mut conn, slice.after(), limit + 1).await? {
            views.push(self.principal_view(&mut conn, row).await?);
        }
        drop(conn);
        let page = page(views, limit, |view| view.id.to_string());
        let people = page.items.iter().filter(|view| view.person.is_some()).count();
        if people > 0 {
            self.note_read(caller, ReadKind::PersonalData, ORG, people).await?;
        }
        Ok(page)
    }

    /// Teams with their members.
    pub async fn teams(&self, caller: &Caller, slice: Slice) -> Result<Page<TeamView>, AppError> {
        self.may_read(caller, Action::TeamRead, ORG, None, None).await?;
        let limit = slice.limit()?;
        let mut conn = self.store.read().await?;
        let mut views = Vec::new();
        for row in people::teams(&mut conn, slice.after(), limit + 1).await? {
            let members = people::members(&mut conn, row.id.0).await?;
            views.push(TeamView { id: row.id.0, slug: row.slug.0, members });
        }
        Ok(page(views, limit, |view| view.id.to_string()))
    }

    async fn principal_view(&self, conn: &mut Conn, row: PrincipalRow) -> Result<PrincipalView, AppError> {
        let person = journal::private(conn, self.store.key(), row.private_at).await?;
        let grants = people::grants(conn, row.id.0).await?;
        let roles = grants
            .into_iter()
            .map(|grant| RoleView { role: grant.role.0, system: grant.system.parse().ok() })
            .collect();
        Ok(PrincipalView {
            id: row.id.0,
            kind: row.kind.0,
            slug: row.slug.map(|slug| slug.0),
            status: row.status,
            person,
            roles,
        })
    }
}

async fn change_role(
    mut act: Act<'_>,
    command: ChangeRole,
    action: Action,
    event: fn(PrincipalId, Role, Option<SystemId>) -> Event,
) -> Result<Receipt, AppError> {
    let row = find(act.conn(), &command.principal).await?;
    let system = match &command.system {
        None => None,
        Some(name) => Some(
            systems::system(act.conn(), name).await?.ok_or_else(|| AppError::not_found("system", name))?.id.0,
        ),
    };
    let facts = Facts::new()
        .text("role", command.role.as_str())
        .bool("target_is_self", row.id.0 == act.caller.principal);
    let resource = format!("person/{}", row.id.0);
    act.authorise(action, &resource, system, None, facts).await?;
    let held = people::grants(act.conn(), row.id.0).await?.iter().any(|grant| {
        grant.role.0 == command.role && grant.system == system.map(|s| s.to_string()).unwrap_or_default()
    });
    if held == (action == Action::RoleGrant) {
        let state = if held { "has" } else { "does not have" };
        return Err(AppError::Conflict(format!("the principal {state} the role {}", command.role)));
    }
    let draft = act.draft(event(row.id.0, command.role, system)).about("person", &row.id.0);
    let index = act.record(draft).await?;
    Ok(Receipt::new(row.id.0, index))
}

async fn change_member(
    mut act: Act<'_>,
    command: ChangeMember,
    event: fn(TeamId, PrincipalId) -> Event,
) -> Result<Receipt, AppError> {
    act.may(Action::TeamEditMembers, ORG, None).await?;
    let team = find_team(act.conn(), &command.team).await?.id.0;
    let principal = find(act.conn(), &command.principal).await?.id.0;
    let draft = act.draft(event(team, principal)).about("team", &team).about("person", &principal);
    let index = act.record(draft).await?;
    Ok(Receipt::new(team, index))
}
