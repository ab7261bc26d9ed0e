//! What in a request may have to be translated. Looking costs no copy, and most
//! requests have nothing.

use flex2csi_translators::endpoint::{OWN_ATTRIBUTES, is_undecided, needs_node_id};

use super::rpc::{Rpc, Special};
use super::wire::{Malformed, last_text, map_entries, texts_at};

/// What in a request has to be translated.
#[derive(Debug, Default)]
pub struct Findings<'m> {
    /// The attributes, if they are in the endpoint's form.
    pub attributes: Option<Vec<(&'m str, &'m str)>>,
    /// The parameters, if they are in the endpoint's form or a legacy class's.
    pub parameters: Option<Vec<(&'m str, &'m str)>>,
    /// The ids that may not be the backend's.
    pub ids: Vec<&'m str>,
    /// The node that the request names.
    pub node_id: Option<&'m str>,
    /// Whether an id can only be completed with a node's.
    pub open_ids: bool,
}

impl<'m> Findings<'m> {
    /// Looks at a request; `None` if there is nothing to translate in it.
    ///
    /// # Errors
    /// The request is malformed.
    pub fn of(
        rpc: &Rpc,
        message: &'m [u8],
        driver: &str,
        legacy_provisioner: bool,
    ) -> Result<Option<Self>, Malformed> {
        let mut found = Self::default();
        for path in rpc.ids {
            found.ids.extend(texts_at(message, path)?);
        }
        if rpc.volume_context != 0 {
            let entries = map_entries(message, rpc.volume_context)?;
            found.attributes = Some(entries).filter(|entries| is_own(entries));
        }
        if rpc.parameters != 0 {
            let entries = map_entries(message, rpc.parameters)?;
            let legacy = legacy_provisioner && rpc.special != Special::Confirms;
            found.parameters = Some(entries).filter(|entries| legacy || is_own(entries));
        }
        found.open_ids = found.ids.iter().any(|id| needs_node_id(driver, id));
        if found.attributes.is_none() {
            let ids = &mut found.ids;
            ids.retain(|id| is_undecided(id) || needs_node_id(driver, id));
        }
        if found.attributes.is_none() && found.parameters.is_none() && found.ids.is_empty() {
            return Ok(None);
        }
        if rpc.node_id != 0 {
            let node_id = last_text(message, rpc.node_id)?;
            found.node_id = Some(node_id).filter(|id| !id.is_empty());
        }
        Ok(Some(found))
    }
}

fn is_own(entries: &[(&str, &str)]) -> bool {
    entries
        .iter()
        .any(|(key, _)| key.starts_with(OWN_ATTRIBUTES))
}
