use super::{DriverFacts, Finding, FindingCode, Ownership, TargetFacts, Verdict};

/// What was found about a StorageClass of a legacy provisioner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassFacts {
    /// Who else has a say in it.
    pub ownership: Ownership,
    /// What it becomes; `None` where the translation failed or kept it.
    pub target: Option<TargetFacts>,
    /// What the translation says.
    pub notes: Vec<Finding>,
    /// The CSI driver in the cluster.
    pub driver: DriverFacts,
    /// Claims that wait for volumes of it: how many, and one of them.
    pub pending: Option<(usize, String)>,
}

impl ClassFacts {
    /// What can be done about it.
    pub fn judge(self) -> Verdict {
        let mut findings = Vec::new();
        if let Some(target) = &self.target {
            self.ownership.check(&mut findings);
            self.driver.check(&target.driver, &mut findings);
            if let Some((count, claim)) = &self.pending {
                let message = match count {
                    1 => format!("the claim {claim} waits for a volume of this class"),
                    _ => {
                        format!("{count} claims wait for volumes of this class, {claim} among them")
                    }
                };
                findings.push(Finding::new(FindingCode::PendingClaims, message));
            }
            target.check(&mut findings);
        }
        findings.extend(self.notes);
        Verdict::of(findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::VerdictKind;

    #[test]
    fn a_class_waits_for_its_pending_claims() {
        let facts = ClassFacts {
            target: Some(TargetFacts::default()),
            driver: DriverFacts {
                anywhere: 1,
                ..DriverFacts::default()
            },
            ..ClassFacts::default()
        };
        assert_eq!(facts.clone().judge().kind, VerdictKind::Ready);
        let waiting = ClassFacts {
            pending: Some((2, "n/c".into())),
            ..facts
        };
        let verdict = waiting.judge();
        assert_eq!(verdict.kind, VerdictKind::Blocked);
        assert_eq!(verdict.findings[0].code, "pending-claims");
    }
}
