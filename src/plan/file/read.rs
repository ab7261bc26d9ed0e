use std::path::{Path, PathBuf};

use flex2csi_translators::digest::sha256_hex;
use serde::de::DeserializeOwned;

use super::PlanFileError;
use super::document::{
    API_VERSION, Document, END, End, HEAD, Head, Kind, OBJECT, checksum, row_checksum,
};
use crate::manifest::{Piece, YamlSplitter, yaml};
use crate::plan::row::Row;

/// One object has a few kilobytes at most.
const LIMIT: usize = 1 << 20;

/// A plan file that is read back, object by object. What was read may be relied on
/// only once the end was: [`PlanFile::check`] goes through it all first.
pub struct PlanFile {
    path: PathBuf,
    documents: YamlSplitter<fs_err::File>,
    checksums: String,
    objects: u64,
    ended: bool,
    /// What the plan was made of.
    pub head: Head,
}

impl PlanFile {
    /// Goes through a plan file without using it: whether it is whole, and as it
    /// was written.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(path: &Path) -> Result<Head, PlanFileError> {
        let mut file = Self::open(path)?;
        while file.next()?.is_some() {}
        Ok(file.head)
    }

    /// Opens a plan file and reads what it was made of.
    ///
    /// # Errors
    /// It is not there, or no plan.
    pub fn open(path: &Path) -> Result<Self, PlanFileError> {
        let opened = fs_err::File::open(path).map_err(|source| PlanFileError::Io {
            path: path.to_owned(),
            source,
        })?;
        let mut file = Self {
            path: path.to_owned(),
            documents: YamlSplitter::new(opened).with_limit(LIMIT),
            checksums: String::new(),
            objects: 0,
            ended: false,
            head: Head {
                cluster: String::new(),
                tool: String::new(),
                created: String::new(),
                node_evidence: true,
                server_dry_run: true,
                via_endpoint: None,
            },
        };
        let not_a_plan = |reason: &str| PlanFileError::NotAPlan {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let Some((line, json)) = file.document()? else {
            return Err(not_a_plan("it is empty"));
        };
        let kind: Kind = serde_json::from_str(&json).unwrap_or_default();
        if kind.kind != HEAD {
            return Err(not_a_plan(&match kind.kind.as_str() {
                "" => "it does not begin with a MigrationPlan".to_owned(),
                other => format!("it begins with a {other}, not with a MigrationPlan"),
            }));
        }
        let head: Document<Head> = file.typed(line, &json)?;
        let sum = checksum(&head.plan, "").unwrap_or_default();
        file.expect(line, HEAD, &head.checksum, sum)?;
        file.head = head.plan;
        Ok(file)
    }

    /// Whether the plan is for the cluster with this identity.
    ///
    /// # Errors
    /// It is for another one.
    pub fn for_cluster(&self, uid: &str) -> Result<(), PlanFileError> {
        if self.head.cluster == uid {
            return Ok(());
        }
        Err(PlanFileError::OtherCluster {
            path: self.path.clone(),
            planned: self.head.cluster.clone(),
            actual: uid.to_owned(),
        })
    }

    /// Whether the plan is for objects to become what they are to become now: those of
    /// flex2csi's own endpoint, or not. Of a plan that does not say so, each object's
    /// translation tells.
    ///
    /// # Errors
    /// It is for the other one.
    pub fn for_form(&self, via_endpoint: bool) -> Result<(), PlanFileError> {
        match self.head.via_endpoint {
            Some(planned) if planned != via_endpoint => Err(PlanFileError::OtherForm {
                path: self.path.clone(),
                planned,
            }),
            _ => Ok(()),
        }
    }

    /// The next object; `None` at the end of a plan that is whole.
    ///
    /// # Errors
    /// It is not as it was written.
    #[expect(clippy::should_implement_trait, reason = "it ends with a check")]
    pub fn next(&mut self) -> Result<Option<Row>, PlanFileError> {
        if self.ended {
            return Ok(None);
        }
        let Some((line, json)) = self.document()? else {
            return Err(PlanFileError::Truncated {
                path: self.path.clone(),
                objects: self.objects,
            });
        };
        let kind: Kind = serde_json::from_str(&json).unwrap_or_default();
        match kind.kind.as_str() {
            OBJECT => {
                let row: Document<Row> = self.typed(line, &json)?;
                let sum = row_checksum(&row.plan).unwrap_or_default();
                self.objects += 1;
                let name = row.plan.object.full_name();
                self.expect(line, &name, &row.checksum, sum)?;
                Ok(Some(row.plan))
            }
            END => self.end(line, &json).map(|()| None),
            other => Err(self.unreadable(
                line,
                format!("a document of kind {other:?} does not belong here"),
            )),
        }
    }

    fn end(&mut self, line: u64, json: &str) -> Result<(), PlanFileError> {
        let end: Document<End> = self.typed(line, json)?;
        let sum = checksum(&end.plan, &self.checksums).unwrap_or_default();
        if end.plan.objects != self.objects || end.checksum != sum {
            return Err(PlanFileError::OtherObjects {
                path: self.path.clone(),
                objects: self.objects,
                planned: end.plan.objects,
            });
        }
        self.ended = true;
        match self.document()? {
            None => Ok(()),
            Some((line, _)) => {
                Err(self.unreadable(line, "something stands after the end".to_owned()))
            }
        }
    }

    fn expect(
        &mut self,
        line: u64,
        what: &str,
        written: &str,
        sum: String,
    ) -> Result<(), PlanFileError> {
        if written != sum {
            return Err(PlanFileError::Edited {
                path: self.path.clone(),
                line,
                what: what.to_owned(),
            });
        }
        self.checksums = sha256_hex(format!("{}{sum}", self.checksums).as_bytes());
        Ok(())
    }

    fn typed<T: DeserializeOwned>(
        &self,
        line: u64,
        json: &str,
    ) -> Result<Document<T>, PlanFileError> {
        let kind: Kind = serde_json::from_str(json).unwrap_or_default();
        if kind.api_version != API_VERSION {
            return Err(PlanFileError::Version {
                path: self.path.clone(),
                version: kind.api_version,
            });
        }
        serde_json::from_str(json).map_err(|error| {
            // A place in the JSON means nothing to who wrote YAML.
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or_default();
            self.unreadable(line, reason.to_owned())
        })
    }

    fn unreadable(&self, line: u64, reason: String) -> PlanFileError {
        PlanFileError::Unreadable {
            path: self.path.clone(),
            line,
            reason,
        }
    }

    /// The next document as JSON, and the line where it begins.
    fn document(&mut self) -> Result<Option<(u64, String)>, PlanFileError> {
        let path = &self.path;
        let unreadable = |line, error: crate::manifest::Error| PlanFileError::Unreadable {
            path: path.clone(),
            line,
            reason: error.to_string(),
        };
        loop {
            let piece = self.documents.next();
            match piece.map_err(|error| unreadable(0, error))? {
                None => return Ok(None),
                Some(Piece::Between(_)) => {}
                Some(Piece::Broken { line, error, .. }) => {
                    let reason = error
                        .map_or_else(|| "it cannot be read".to_owned(), |error| error.to_string());
                    return Err(PlanFileError::Unreadable {
                        path: path.clone(),
                        line,
                        reason,
                    });
                }
                Some(Piece::Object { text, line, .. }) => {
                    let text = yaml::text(text, line).map_err(|error| unreadable(line, error))?;
                    let json =
                        yaml::to_json(text, line).map_err(|error| unreadable(line, error))?;
                    if json != "null" {
                        return Ok(Some((line, json)));
                    }
                }
            }
        }
    }
}
