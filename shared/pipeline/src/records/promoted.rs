use forecasting::Decision;
use serde::{Deserialize, Serialize};

use crate::{Champion, Receipt};

/// The verdict that stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promoted {
    /// The decision.
    pub decision: Decision,
    /// Why.
    pub reason: String,
    /// Who is in service by it.
    pub champion: Champion,
}

impl Promoted {
    /// What a receipt comes to.
    pub(crate) fn by(receipt: &Receipt) -> Promoted {
        let Receipt { decision, reason, champion, .. } = receipt.clone();
        Promoted { decision, reason, champion }
    }

    /// Whether another contender is in service by it than before.
    pub fn changed(&self) -> bool {
        self.decision.changes_who_serves()
    }
}
