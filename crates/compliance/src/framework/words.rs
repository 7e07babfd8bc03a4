//! The closed vocabularies of framework data. An unknown word is refused with the list of those that are known.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value, in the order of the vocabulary.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it stands in files and answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    )+};
}

words! {
    /// What a row of a framework is.
    Kind {
        /// A criterion that an auditor tests against.
        Criterion = "criterion",
        /// A control that a standard names.
        Control = "control",
        /// A clause of a management-system standard.
        Clause = "clause",
        /// A subcategory of a voluntary framework.
        Subcategory = "subcategory",
        /// Something that somebody must do.
        Duty = "duty",
        /// A practice that is prohibited.
        Prohibition = "prohibition",
        /// A use that makes a system high-risk.
        UseCase = "use-case",
        /// A case in which such a use does not make it high-risk.
        Exemption = "exemption",
        /// What a classification asks besides.
        Question = "question",
        /// A rule by which systems are classified.
        Rule = "rule",
        /// What a word means.
        Definition = "definition",
        /// A part of a document that must exist.
        Document = "document",
        /// What a breach costs.
        Penalty = "penalty",
    }
    /// How sure it is that a date or a row is law.
    Status {
        /// Nobody who was read disputes it.
        Firm = "firm",
        /// Those who were read disagree; every reading is given.
        Contested = "contested",
        /// Not in force; never counts.
        Proposed = "proposed",
    }
    /// How the fact was checked.
    Grade {
        /// Read in the full text.
        Read = "read",
        /// Seen in excerpts, several of which agree.
        Seen = "seen",
        /// General knowledge that was not checked again.
        General = "general",
    }
    /// Whom a duty binds.
    Who {
        /// Develops a system, or has it developed, under its own name.
        Provider = "provider",
        /// Uses a system under its authority.
        Deployer = "deployer",
        /// Brings a system from outside into the Union.
        Importer = "importer",
        /// Makes a system available otherwise.
        Distributor = "distributor",
        /// A body of the state or the Union.
        Authority = "authority",
        /// Decides on purposes and means of processing.
        Controller = "controller",
        /// Processes for a controller.
        Processor = "processor",
        /// A health plan, clearinghouse or provider of care.
        CoveredEntity = "covered-entity",
        /// Works with health information for a covered entity.
        BusinessAssociate = "business-associate",
    }
    /// Which systems a duty concerns.
    Class {
        /// All, if its conditions hold.
        Any = "any",
        /// High-risk ones.
        High = "high",
        /// Those with a use case of Annex III that are not high-risk by an exemption.
        Exempt = "exempt",
    }
    /// By which way a system became high-risk.
    Route {
        /// A use case of Annex III.
        AnnexIii = "annex-iii",
        /// A product under Annex I.
        AnnexI = "annex-i",
    }
    /// In what a time limit is counted.
    Unit {
        /// Hours.
        Hour = "hour",
        /// Days.
        Day = "day",
        /// Months.
        Month = "month",
        /// Years.
        Year = "year",
    }
    /// How a row of one framework relates to a row of another: the first is ... the second.
    Relation {
        /// The same.
        Equal = "equal",
        /// Contained in it.
        Subset = "subset",
        /// More than it.
        Superset = "superset",
        /// Partly the same.
        Intersects = "intersects",
    }
}
