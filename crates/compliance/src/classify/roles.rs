//! The roles of the organisation, and when Art. 25(1) makes it the provider.

use super::interview::Interview;
use super::result::{Decides, Role};
use super::tri::Tri;
use crate::framework::Who;

/// What makes somebody the provider of a high-risk system that somebody else made.
const BECOMES: [&str; 3] = ["role.own-name", "role.substantial-change", "role.new-purpose"];

/// Asks for every role; `high` is whether the system is high-risk.
pub(crate) fn roles(interview: &mut Interview<'_>, high: Tri) -> Vec<Role> {
    let itself = interview.ask("role.provider", Decides::Role);
    let mut becomes = Tri::No;
    // Whoever is the provider anyway does not become it.
    if itself != Tri::Yes && high != Tri::No {
        for question in BECOMES {
            becomes = becomes.or(interview.ask(question, Decides::Role));
        }
        becomes = becomes.and(high);
        interview.find(
            "Art. 25(1)",
            "it becomes the provider by what it does with the system",
            becomes,
            &BECOMES,
        );
    }
    let provider = itself.or(becomes);
    let mut roles = vec![Role {
        role: Who::Provider,
        holds: provider,
        by_article_25: itself != Tri::Yes
            && (becomes == Tri::Yes || (provider != Tri::No && itself == Tri::No)),
    }];
    let others = [
        (Who::Deployer, "role.deployer"),
        (Who::Importer, "role.importer"),
        (Who::Distributor, "role.distributor"),
    ];
    for (role, question) in others {
        roles.push(Role { role, holds: interview.ask(question, Decides::Role), by_article_25: false });
    }
    roles
}
