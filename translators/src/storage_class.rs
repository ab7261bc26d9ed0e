//! StorageClasses, as the translation of volumes reads them.

use crate::error::Error;
use crate::json::Object;

/// What a volume's translation reads of its StorageClass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageClass {
    /// `metadata.name`
    pub name: String,
    /// `provisioner`
    pub provisioner: String,
    /// `parameters`, in the order in which they stand.
    pub parameters: Vec<(String, String)>,
}

impl StorageClass {
    /// Reads a StorageClass.
    ///
    /// # Errors
    /// One of the members has another type than the API gives it.
    pub fn read(mut object: Object<'_>) -> Result<Self, Error> {
        let provisioner = object.str("provisioner")?.unwrap_or_default().into_owned();
        let name = match object.object("metadata")? {
            Some(metadata) => metadata
                .str("name")
                .map_err(|error| error.under("metadata"))?,
            None => None,
        };
        let name = name.unwrap_or_default().into_owned();
        let mut parameters = Vec::new();
        if let Some(members) = object.object("parameters")? {
            for member in members.members() {
                let value = members
                    .str(member.key())
                    .map_err(|error| error.under("parameters"))?;
                parameters.push((
                    member.key().to_owned(),
                    value.unwrap_or_default().into_owned(),
                ));
            }
        }
        Ok(Self {
            name,
            provisioner,
            parameters,
        })
    }

    /// A parameter, by its exact name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}
