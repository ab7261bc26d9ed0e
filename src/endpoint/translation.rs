//! What a request becomes for the backend, and what the answer is to say.

use std::borrow::Cow;
use std::sync::Arc;

use flex2csi_translators::endpoint::{
    BackendVolume, OWN_ATTRIBUTES, Site, backend_class, backend_id, backend_volume, is_handle_of,
    is_undecided,
};
use flex2csi_translators::flex::Mappings;
use flex2csi_translators::{Error, Values};

use super::findings::Findings;
use super::known_ids::KnownIds;
use super::rpc::{Rpc, Service, Special, service};
use super::wire::{self, Exchange, Malformed};
use super::{CallError, Handles, LegacyVolumes};
use crate::backend::Backend;

/// What a request is translated with.
#[derive(Clone, Copy)]
pub struct Translator<'a> {
    /// The endpoint's own name, and its backend's.
    pub endpoint: &'a str,
    /// The CSI driver behind it.
    pub driver: &'a str,
    /// The backend that this call goes to.
    pub backend: &'a Backend,
    /// What parameters without a mark are read as.
    pub legacy_provisioner: Option<&'a str>,
    /// What only the site knows.
    pub values: &'a Arc<Values>,
    /// The known FlexVolume drivers.
    pub mappings: &'a Arc<Mappings>,
    /// What undecided handles stand for on this node.
    pub handles: &'a Handles,
    /// Where they are looked up if nothing was recorded.
    pub volumes: &'a LegacyVolumes,
    /// What lists are translated back with.
    pub known: &'a KnownIds,
}

/// A translated request, and what its answer has to be told in the caller's words.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Translation {
    /// The request for the backend.
    pub message: Vec<u8>,
    /// The caller's ids and the backend's, where they differ.
    pub ids: Vec<(String, String)>,
    /// The caller's attributes, for an answer that repeats them.
    pub attributes: Option<Vec<(String, String)>>,
    /// The caller's parameters, for an answer that repeats them.
    pub parameters: Option<Vec<(String, String)>>,
}

impl Translator<'_> {
    fn site(&self) -> Site<'_> {
        Site {
            values: self.values,
            mappings: self.mappings,
        }
    }

    /// Translates a request; `None` if there is nothing to translate in it.
    ///
    /// # Errors
    /// It cannot be translated, and is not to be sent to the backend.
    pub async fn translate(
        &self,
        rpc: &Rpc,
        message: &[u8],
    ) -> Result<Option<Translation>, CallError> {
        let legacy = self.legacy_provisioner.is_some();
        let Some(found) = Findings::of(rpc, message, self.driver, legacy)? else {
            return Ok(None);
        };
        let mut out = Cow::Borrowed(message);
        let mut translation = Translation::default();
        let node_id = self.node_id(rpc, &found).await?;
        let id = found.ids.first().copied().unwrap_or_default();
        let volume = match &found.attributes {
            Some(attributes) => Some(self.volume(id, attributes, node_id.as_deref())?),
            None => None,
        };
        if let (Some(volume), Some(attributes)) = (&volume, &found.attributes) {
            if rpc.special == Special::Prepares && is_undecided(id) {
                // The calls that end this volume's use have its id alone.
                self.handles.write(self.driver, id, &volume.handle).await?;
            }
            check_secret(rpc, id, volume, &out)?;
            out = exchange_map(&out, rpc.volume_context, &volume.attributes, &is_own)?.into();
            out = complete(&out, rpc.capability, |mount| {
                complete_mount(mount, volume, is_undecided(id))
            })?
            .into();
            translation.attributes = Some(owned(attributes));
        }
        if let Some(parameters) = &found.parameters {
            out = self.parameters(rpc, out, parameters)?;
            translation.parameters = Some(owned(parameters));
        }
        for id in &found.ids {
            let handle = match &volume {
                Some(volume) if !id.is_empty() => volume.handle.clone(),
                Some(_) => continue,
                None => self.handle(id, node_id.as_deref()).await?,
            };
            if handle != *id {
                if is_undecided(id) {
                    self.known.learn(id, &handle);
                }
                translation.ids.push(((*id).to_owned(), handle));
            }
        }
        if !translation.ids.is_empty() {
            for path in rpc.ids {
                out = wire::replace_at(&out, path, &|id| {
                    let pair = translation.ids.iter().find(|(caller, _)| caller == id);
                    pair.map(|(_, backend)| backend.clone())
                })?
                .into();
            }
        }
        translation.message = out.into_owned();
        Ok(Some(translation))
    }

    /// The id of the node that completes an id, if one needs it and a call has it.
    async fn node_id(&self, rpc: &Rpc, found: &Findings<'_>) -> Result<Option<String>, CallError> {
        if !found.open_ids && found.attributes.is_none() {
            return Ok(None);
        }
        match found.node_id {
            Some(id) => Ok(Some(id.to_owned())),
            None if found.open_ids && service(rpc.path) == Service::Node => {
                Ok(Some(self.backend.node_id().await?))
            }
            None => Ok(None),
        }
    }

    /// The volume that attributes stand for, which has to be the one with the id.
    fn volume(
        &self,
        id: &str,
        attributes: &[(&str, &str)],
        node_id: Option<&str>,
    ) -> Result<BackendVolume, CallError> {
        let of_volume = |error| CallError::volume(id, error);
        let mut volume = match backend_volume(attributes, self.site()).map_err(of_volume)? {
            Some(volume) => volume,
            // Attributes that begin as ours do, and are none that we know.
            None => return Err(of_volume(not_in_form())),
        };
        self.check_driver(&format!("volume {id:?}"), &volume.driver)?;
        if is_undecided(id) {
            if is_handle_of(id, attributes) {
                return Ok(volume);
            }
        } else {
            let complete = |handle: &str| -> Result<String, CallError> {
                let handle = backend_id(self.driver, handle, node_id).map_err(of_volume)?;
                Ok(handle.into_owned())
            };
            let asked = complete(id)?;
            volume.handle = complete(&volume.handle)?;
            // A call without an id is the backend's to refuse.
            if id.is_empty() || asked == volume.handle {
                return Ok(volume);
            }
        }
        Err(CallError::OtherVolume {
            id: id.to_owned(),
            handle: volume.handle,
        })
    }

    fn check_driver(&self, what: &str, found: &str) -> Result<(), CallError> {
        if found == self.driver {
            return Ok(());
        }
        Err(CallError::OtherBackend {
            what: what.to_owned(),
            found: found.to_owned(),
            expected: self.driver.to_owned(),
        })
    }

    /// What an id alone stands for.
    async fn handle(&self, id: &str, node_id: Option<&str>) -> Result<String, CallError> {
        let of_volume = |error| CallError::volume(id, error);
        if !is_undecided(id) {
            let handle = backend_id(self.driver, id, node_id).map_err(of_volume)?;
            return Ok(handle.into_owned());
        }
        if let Some(handle) = self.handles.read(self.driver, id).await? {
            return Ok(handle);
        }
        let found = self.volumes.attributes(self.endpoint, id).await;
        let found = found.map_err(|error| CallError::Lookup {
            id: id.to_owned(),
            error,
        })?;
        let Some(attributes) = found else {
            return Err(CallError::UnknownHandle { id: id.to_owned() });
        };
        let attributes: Vec<(&str, &str)> = attributes
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        Ok(self.volume(id, &attributes, node_id)?.handle)
    }

    fn parameters<'m>(
        &self,
        rpc: &Rpc,
        message: Cow<'m, [u8]>,
        parameters: &[(&str, &str)],
    ) -> Result<Cow<'m, [u8]>, CallError> {
        let class = backend_class(parameters, self.legacy_provisioner, self.site());
        let class = class.map_err(|error| CallError::Parameters {
            error: Box::new(error),
        })?;
        let Some(class) = class else {
            return Ok(message);
        };
        self.check_driver("the StorageClass", &class.driver)?;
        let out = exchange_map(&message, rpc.parameters, &class.parameters, &|_| true)?;
        let out = complete(&out, rpc.capability, |mount| {
            let fs_type = class.fs_type.as_deref();
            complete_fs_type(mount, fs_type)
        })?;
        Ok(out.into())
    }
}

fn is_own(key: &str) -> bool {
    key.starts_with(OWN_ATTRIBUTES)
}

fn not_in_form() -> Error {
    Error::MissingField {
        driver: "the endpoint's form".into(),
        path: flex2csi_translators::json::Path::of(&[flex2csi_translators::endpoint::VERSION]),
    }
}

fn owned(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    let entries = entries.iter();
    entries
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// Puts entries in the place of those of a map whose keys are to go, and of those
/// that have the same keys.
pub fn exchange_map(
    message: &[u8],
    number: u32,
    new: &[(String, String)],
    goes: &impl Fn(&str) -> bool,
) -> Result<Vec<u8>, Malformed> {
    let mut written = false;
    let mut out = wire::replace_field(message, number, |_, entry, out| {
        let key = wire::last_text(entry, 1)?;
        if !goes(key) && !new.iter().any(|(other, _)| other == key) {
            return Ok(Exchange::Keep);
        }
        if !std::mem::replace(&mut written, true) {
            entries(out, number, new);
        }
        Ok(Exchange::Fields)
    })?;
    if !written {
        entries(&mut out, number, new);
    }
    Ok(out)
}

fn entries(out: &mut Vec<u8>, number: u32, new: &[(String, String)]) {
    for (key, value) in new {
        wire::map_entry(out, number, key, value);
    }
}

/// `VolumeCapability.mount`.
const MOUNT: u32 = 2;
/// `VolumeCapability.MountVolume.fs_type` and `.mount_flags`.
const FS_TYPE: u32 = 1;
const MOUNT_FLAGS: u32 = 2;

/// Completes what capabilities say of mounts.
fn complete(
    message: &[u8],
    capability: u32,
    mount: impl Fn(&mut Vec<u8>) -> Result<(), Malformed>,
) -> Result<Vec<u8>, Malformed> {
    wire::replace_field(message, capability, |_, content, out| {
        *out = wire::replace_field(content, MOUNT, |_, content, out| {
            out.extend_from_slice(content);
            mount(out)?;
            Ok(Exchange::Content)
        })?;
        Ok(Exchange::Content)
    })
}

fn complete_fs_type(mount: &mut Vec<u8>, fs_type: Option<&str>) -> Result<(), Malformed> {
    if let Some(fs_type) = fs_type
        && wire::last_text(mount, FS_TYPE)?.is_empty()
    {
        wire::add_text(mount, FS_TYPE, fs_type);
    }
    Ok(())
}

/// A volume that was written without a value has its mount options still in the
/// source; of any other the PersistentVolume has them.
fn complete_mount(
    mount: &mut Vec<u8>,
    volume: &BackendVolume,
    undecided: bool,
) -> Result<(), Malformed> {
    complete_fs_type(mount, volume.fs_type.as_deref())?;
    if !undecided {
        return Ok(());
    }
    let there = wire::texts_at(mount, &[MOUNT_FLAGS])?;
    let missing = volume.mount_options.iter();
    let missing: Vec<&String> = missing
        .filter(|option| !there.contains(&option.as_str()))
        .collect();
    for option in missing {
        wire::add_text(mount, MOUNT_FLAGS, option);
    }
    Ok(())
}

/// Kubernetes gives a call the Secret that the PersistentVolume names for it; one
/// that was written without a value names none.
fn check_secret(
    rpc: &Rpc,
    id: &str,
    volume: &BackendVolume,
    message: &[u8],
) -> Result<(), CallError> {
    let Some((number, secret_ref)) = rpc.secret else {
        return Ok(());
    };
    if is_undecided(id)
        && volume.secret_refs.iter().any(|name| name == secret_ref)
        && wire::map_entries(message, number)?.is_empty()
    {
        return Err(CallError::MissingSecret {
            id: id.to_owned(),
            secret_ref: secret_ref.to_owned(),
        });
    }
    Ok(())
}
