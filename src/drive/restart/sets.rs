//! Which volumes are restarted together: those that a workload uses, and those that
//! the other workloads of these volumes use.

use std::collections::BTreeMap;

use flex2csi_translators::plan::{Restart, Workload};

use crate::plan::row::Row;

/// Volumes that are idle together, and what is stopped for that.
#[derive(Debug, Default)]
pub struct Set {
    /// What is stopped.
    pub workloads: Vec<Workload>,
    /// The volumes.
    pub rows: Vec<Row>,
}

/// All sets, in the order of their first workloads, and what stays in use: each with
/// why.
#[derive(Debug, Default)]
pub struct Sets {
    /// Those that can be restarted.
    pub sets: Vec<Set>,
    /// Those that cannot.
    pub refused: Vec<(Row, String)>,
}

/// Groups volumes that are in use. `managed`: whether what others have a say in may
/// be stopped.
pub fn of(rows: Vec<Row>, managed: bool) -> Sets {
    let mut sets: Vec<Set> = Vec::new();
    let mut all = Sets::default();
    for row in rows {
        if row.workloads.is_empty() {
            let why = "no pod is there that could be stopped".to_owned();
            all.refused.push((row, why));
            continue;
        }
        let mut set = Set {
            workloads: row.workloads.clone(),
            rows: vec![row],
        };
        // It joins all sets that it has a workload with.
        let (joined, apart): (Vec<Set>, Vec<Set>) =
            sets.into_iter().partition(|other| other.shares(&set));
        sets = apart;
        for other in joined {
            set.workloads.extend(other.workloads);
            set.rows.extend(other.rows);
        }
        set.workloads.sort_unstable();
        set.workloads
            .dedup_by(|one, other| one.full_name() == other.full_name());
        sets.push(set);
    }
    let mut ordered: BTreeMap<String, Set> = BTreeMap::new();
    for mut set in sets {
        set.rows
            .sort_by(|one, other| one.object.name.cmp(&other.object.name));
        match set.obstacle(managed) {
            Some(why) => {
                let rows = set.rows.into_iter();
                all.refused.extend(rows.map(|row| (row, why.clone())));
            }
            None => {
                let first = set.workloads.first();
                let key = first.map(Workload::full_name).unwrap_or_default();
                ordered.insert(key, set);
            }
        }
    }
    all.sets = ordered.into_values().collect();
    all
}

impl Set {
    fn shares(&self, other: &Self) -> bool {
        let mut workloads = self.workloads.iter();
        workloads.any(|one| {
            let mut others = other.workloads.iter();
            others.any(|other| one.full_name() == other.full_name())
        })
    }

    /// What keeps it from being stopped.
    fn obstacle(&self, managed: bool) -> Option<String> {
        self.workloads.iter().find_map(|workload| {
            let more = match workload.restart {
                Restart::Plain => return None,
                Restart::IfTold if managed => return None,
                Restart::IfTold => "; give --restart-managed if it may be stopped all the same",
                Restart::Never => "",
            };
            Some(format!("{}: {}{more}", workload.full_name(), workload.why))
        })
    }

    /// Its workloads, for people.
    pub fn name(&self) -> String {
        let names = self.workloads.iter().map(Workload::full_name);
        names.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use flex2csi_translators::plan::VerdictKind;

    use super::*;

    fn workload(name: &str, restart: Restart) -> Workload {
        let mut workload = Workload::unknown("StatefulSet", "shop", name, "why");
        workload.restart = restart;
        workload
    }

    fn row(name: &str, workloads: &[(&str, Restart)]) -> Row {
        let workloads = workloads.iter();
        Row {
            workloads: workloads
                .map(|(name, restart)| workload(name, *restart))
                .collect(),
            ..Row::of_volume(name, VerdictKind::InUse)
        }
    }

    fn names(sets: &Sets) -> Vec<(String, Vec<&str>)> {
        sets.sets
            .iter()
            .map(|set| {
                (
                    set.name(),
                    set.rows
                        .iter()
                        .map(|row| row.object.name.as_str())
                        .collect(),
                )
            })
            .collect()
    }

    #[test]
    fn volumes_of_one_workload_go_together_and_so_do_those_that_they_share() {
        use Restart::Plain;
        let sets = of(
            vec![
                row("b", &[("db", Plain)]),
                row("c", &[("web", Plain)]),
                row("a", &[("db", Plain)]),
                row("d", &[("web", Plain), ("backup", Plain)]),
                row("e", &[("backup", Plain)]),
            ],
            false,
        );
        assert_eq!(
            names(&sets),
            [
                (
                    "StatefulSet shop/backup, StatefulSet shop/web".to_owned(),
                    vec!["c", "d", "e"]
                ),
                ("StatefulSet shop/db".to_owned(), vec!["a", "b"]),
            ]
        );
    }

    /// One that cannot be stopped holds up all that are stopped with it.
    #[test]
    fn what_may_not_be_stopped_keeps_its_set() {
        use Restart::{IfTold, Never, Plain};
        let rows = || {
            vec![
                row("a", &[("db", Plain)]),
                row("b", &[("web", IfTold)]),
                row("c", &[("web", IfTold), ("db2", Plain)]),
                row("d", &[("bare", Never)]),
                row("e", &[]),
            ]
        };
        let sets = of(rows(), false);
        assert_eq!(
            names(&sets),
            [("StatefulSet shop/db".to_owned(), vec!["a"])]
        );
        let refused: Vec<&str> = sets
            .refused
            .iter()
            .map(|(row, _)| row.object.name.as_str())
            .collect();
        assert_eq!(refused.len(), 4, "{refused:?}");
        let sets = of(rows(), true);
        assert_eq!(sets.sets.len(), 2);
        let refused: Vec<&str> = sets
            .refused
            .iter()
            .map(|(row, _)| row.object.name.as_str())
            .collect();
        assert_eq!(refused, ["e", "d"]);
    }
}
