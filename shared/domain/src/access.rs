//! Who may do what: one table, read by every endpoint.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{TeamId, TenantId, UserId};

/// Who asks, as the verified token says it. The tenant comes from here and from nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The tenant on whose data the request works.
    pub tenant: TenantId,
    /// The person or program.
    pub user: UserId,
    /// What they may do there.
    pub role: Role,
    /// The teams they are of.
    pub teams: BTreeSet<TeamId>,
}

/// The part somebody plays in a tenant; each may all that the ones after it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Answers for the tenant.
    Owner,
    /// Configures and trains.
    Admin,
    /// Answers customers, and teaches by doing so.
    Agent,
    /// Looks on.
    Viewer,
}

impl Role {
    /// Every role, most powerful first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Agent, Self::Viewer];

    /// Whether this role carries `permission`.
    pub fn may(self, permission: Permission) -> bool {
        self <= permission.least_role()
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $least:ident;)*) => {
        /// Something an endpoint lets somebody do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($(#[$doc])* $name,)* }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The least powerful role that carries it: the permission table itself.
            pub const fn least_role(self) -> Role {
                match self { $(Self::$name => Role::$least,)* }
            }
        }
    };
}

permissions! {
    /// Upload a file and start its ingestion.
    CreateUpload = Agent;
    /// See uploads, their progress and their row errors.
    ReadUploads = Viewer;
    /// Say what is hidden in uploads.
    SetRedaction = Admin;
    /// Start, cancel and retry training.
    Train = Admin;
    /// See training sessions.
    ReadTraining = Viewer;
    /// See model versions and which one is deployed.
    ReadModels = Viewer;
    /// Deploy a model or roll back.
    Deploy = Admin;
    /// Ask the deployed model.
    Ask = Agent;
    /// Say how good an answer was, and correct it.
    GiveFeedback = Agent;
    /// See feedback.
    ReadFeedback = Viewer;
    /// Make corrections into an upload, and say when they train by themselves.
    Retrain = Admin;
    /// Name, accept, ignore and merge topics.
    DecideTopics = Admin;
    /// See the reply templates that one may see, and what they make.
    ReadTemplates = Viewer;
    /// Note that one answers a customer with a reply template.
    UseTemplates = Agent;
    /// Make reply templates, and change those of one's own and of one's teams.
    WriteTemplates = Agent;
    /// Make and change reply templates that everybody sees.
    PublishTemplates = Admin;
    /// Have reply templates proposed from what agents wrote.
    MineTemplates = Admin;
    /// Receive live updates.
    Listen = Viewer;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_permission_table() {
        let row = |permission: &Permission| {
            let cells = Role::ALL.map(|role| if role.may(*permission) { " yes" } else { "  - " });
            format!("{:<17}{}", format!("{permission:?}"), cells.concat())
        };
        let table: Vec<_> = Permission::ALL.iter().map(row).collect();
        insta::assert_snapshot!(format!("                 owner admin agent viewer\n{}", table.join("\n")));
    }
}
