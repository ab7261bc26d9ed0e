//! Shares of all objects, for several processes.

use std::str::FromStr;

use flex2csi_translators::rewrite::ObjectKind;
use sha2::{Digest, Sha256};

/// One share of all objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    of: u64,
}

/// What Kubernetes gives each pod of an Indexed Job (kubernetes v1.36,
/// `pkg/controller/job/indexed_job_utils.go`).
pub const JOB_INDEX: &str = "JOB_COMPLETION_INDEX";

impl Default for Shard {
    /// All objects.
    fn default() -> Self {
        Self { index: 0, of: 1 }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (index, of) = text.split_once('/')?;
            Some((index.parse().ok()?, of.parse().ok()?))
        };
        match read() {
            Some((index, of)) if index < of => Ok(Self { index, of }),
            _ => Err("it has to be as 0/4: a share, from 0, and how many there are".to_owned()),
        }
    }
}

impl Shard {
    /// The share of a pod of an Indexed Job, by what [`JOB_INDEX`] says.
    ///
    /// # Errors
    /// What to do about it.
    pub fn of_job(index: Option<&str>, of: u64) -> Result<Self, String> {
        let Some(text) = index else {
            return Err(format!(
                "--shards {of}: which share? {JOB_INDEX} is not set, as it is in the pods of a Job with \
                 `completionMode: Indexed`; elsewhere give --shard I/{of}"
            ));
        };
        match text.parse() {
            Ok(index) if index < of => Ok(Self { index, of }),
            _ => Err(format!(
                "--shards {of}: {JOB_INDEX} is {text:?}, which is no share of {of}; set the Job's \
                 `completions` to {of}"
            )),
        }
    }

    /// Whether an object belongs to the share. Every version of the program says the
    /// same.
    pub fn has(self, kind: ObjectKind, name: &str) -> bool {
        let digest = Sha256::digest(format!("{kind}/{name}").as_bytes());
        let number = digest
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        number % self.of == self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_has_one_share() {
        let shards: Vec<Shard> = (0..4)
            .map(|index| format!("{index}/4").parse().unwrap())
            .collect();
        let mut sizes = [0; 4];
        for number in 0..1000 {
            let name = format!("pv-{number}");
            let has = |shard: &Shard| shard.has(ObjectKind::PersistentVolume, &name);
            let of: Vec<usize> = (0..4).filter(|index| has(&shards[*index])).collect();
            assert_eq!(of.len(), 1, "{name}");
            sizes[of[0]] += 1;
        }
        assert!(sizes.iter().all(|size| *size > 150), "{sizes:?}");
    }

    #[test]
    fn a_pod_of_an_indexed_job_has_its_share() {
        assert_eq!(Shard::of_job(Some("3"), 4), "3/4".parse());
        for index in [None, Some("4"), Some("-1"), Some("")] {
            let said = Shard::of_job(index, 4).unwrap_err();
            assert!(said.contains("JOB_COMPLETION_INDEX"), "{said}");
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["", "1", "4/4", "-1/4", "0/0", "/4", "a/b"] {
            text.parse::<Shard>().unwrap_err();
        }
    }
}
