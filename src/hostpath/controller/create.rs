//! CreateVolume.

use crate::csi::v1;

use crate::hostpath::capability::Capability;
use crate::hostpath::capacity::{self, Capacity};
use crate::hostpath::contents;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::filesystem;
use crate::hostpath::id::{Id, Object};
use crate::hostpath::kind::Kind;
use crate::hostpath::limits;
use crate::hostpath::lock::{Guard, Share};
use crate::hostpath::parameters;
use crate::hostpath::rpc::Rpc;
use crate::hostpath::topology;
use crate::hostpath::volume::{Phase, Source, Volume};

use super::origin::Origin;

impl Driver {
    /// Makes a volume, once for each name.
    pub(in crate::hostpath) fn create_volume(
        &self,
        request: v1::CreateVolumeRequest,
    ) -> Result<v1::CreateVolumeResponse, Error> {
        let name = limits::name("name", &request.name)?;
        limits::map("parameters", &request.parameters)?;
        parameters::check_mutable(&request.mutable_parameters, self.dialect)?;
        let asked = Asked {
            capabilities: Capability::list(&request.volume_capabilities)?,
            capacity: Capacity::of_wire(request.capacity_range.as_ref())?,
            source: source(request.volume_content_source.as_ref())?,
            dialect: self.dialect,
            request: &request,
        };
        let id = Id::of_name(Object::Volume, name);
        let guard = self.volumes.lock(&id, Share::Exclusive)?;
        let volume = match self.volumes.find(&id)? {
            Some(there) if there.phase == Phase::Ready => {
                asked.check_is(&there)?;
                there
            }
            // Nobody holds its lock, so its making or removal was cut off.
            Some(half) => {
                self.remove_volume_data(&guard, &half)?;
                self.make_volume(guard, id, &asked)?
            }
            None => self.make_volume(guard, id, &asked)?,
        };
        Ok(v1::CreateVolumeResponse {
            volume: Some(volume.wire()),
        })
    }

    fn make_volume(&self, guard: Guard, id: Id, asked: &Asked<'_>) -> Result<Volume, Error> {
        let planned = self.plan_volume(id.clone(), asked);
        let made = planned.and_then(|(mut volume, origin)| {
            self.volumes.put(&guard, &volume)?;
            self.faults.recorded(Rpc::CreateVolume)?;
            self.fill(&guard, &volume, origin.as_ref())?;
            volume.phase = Phase::Ready;
            self.volumes.put(&guard, &volume)?;
            Ok(volume)
        });
        if made.is_err() {
            self.take_volume_back(guard, &id);
        }
        made
    }

    /// What a new volume is to be, before anything is done.
    fn plan_volume(&self, id: Id, asked: &Asked<'_>) -> Result<(Volume, Option<Origin>), Error> {
        let request = asked.request;
        let origin = match &asked.source {
            Some(source) => Some(self.origin(source)?),
            None => None,
        };
        let default = origin.as_ref().map_or(self.default_kind, Origin::kind);
        let kind = parameters::kind(
            &request.parameters,
            &asked.capabilities,
            default,
            self.dialect,
        )?;
        self.check_has(kind)?;
        if let Some(origin) = &origin
            && origin.kind() != kind
        {
            return Err(Error::invalid(
                "volume_content_source",
                format!(
                    "is of kind {}, and the volume of kind {kind}",
                    origin.kind()
                ),
            ));
        }
        let least = origin.as_ref().map_or(0, Origin::size);
        let capacity = asked.capacity.choose(kind, least, self.max_volume_size)?;
        let nodes: Vec<_> = self
            .nodes
            .all()?
            .into_iter()
            .map(|node| node.segments)
            .collect();
        let topology = topology::choose(
            request.accessibility_requirements.as_ref(),
            &nodes,
            &self.node.segments,
        )?;
        let volume = Volume {
            id,
            name: request.name.clone(),
            phase: Phase::Creating,
            kind,
            capacity,
            filesystem_size: match &origin {
                Some(origin) if kind.filesystem().is_some() => origin.filesystem_size(),
                _ => capacity,
            },
            parameters: request.parameters.clone(),
            mutable_parameters: request.mutable_parameters.clone(),
            source: asked.source.clone(),
            topology,
            attached: Default::default(),
            used: Default::default(),
        };
        Ok((volume, origin))
    }

    fn fill(&self, guard: &Guard, volume: &Volume, origin: Option<&Origin>) -> Result<(), Error> {
        let data = self.volume_data(&volume.id);
        let Some(origin) = origin else {
            return contents::make(guard, volume.kind, &data, volume.capacity);
        };
        origin.copy_to(&data)?;
        filesystem::make_distinct(guard, volume.kind, &data)?;
        contents::grow(volume.kind, &data, volume.capacity)
    }

    /// A volume under an id of somebody's choice, if there is none yet.
    pub(in crate::hostpath) fn give_volume(
        &self,
        id: Id,
        kind: Kind,
        size: u64,
    ) -> Result<(), Error> {
        self.check_has(kind)?;
        let guard = self.volumes.lock(&id, Share::Exclusive)?;
        match self.volumes.find(&id)? {
            Some(there) if there.phase == Phase::Ready => return Ok(()),
            Some(half) => self.remove_volume_data(&guard, &half)?,
            None => {}
        }
        let range = v1::CapacityRange {
            required_bytes: capacity::wire(size),
            limit_bytes: 0,
        };
        let capacity = Capacity::of_wire(Some(&range))?.choose(kind, 0, self.max_volume_size)?;
        let mut volume = Volume {
            name: id.as_str().to_owned(),
            id,
            phase: Phase::Creating,
            kind,
            capacity,
            filesystem_size: capacity,
            parameters: Default::default(),
            mutable_parameters: Default::default(),
            source: None,
            topology: Default::default(),
            attached: Default::default(),
            used: Default::default(),
        };
        self.volumes.put(&guard, &volume)?;
        self.fill(&guard, &volume, None)?;
        volume.phase = Phase::Ready;
        self.volumes.put(&guard, &volume)
    }
}

/// What a request asks for.
struct Asked<'a> {
    capabilities: Vec<Capability>,
    capacity: Capacity,
    source: Option<Source>,
    dialect: parameters::Dialect,
    request: &'a v1::CreateVolumeRequest,
}

impl Asked<'_> {
    /// Whether a volume that bears the name is what is asked for.
    fn check_is(&self, volume: &Volume) -> Result<(), Error> {
        let request = self.request;
        let why = if volume.name != request.name {
            format!("it is named {:?}", volume.name)
        } else if !self.capacity.has(volume.capacity) {
            format!("it has {} bytes", volume.capacity)
        } else if volume.parameters != request.parameters {
            "its parameters were others".to_owned()
        } else if volume.source != self.source {
            "it was made from another source".to_owned()
        } else if !topology::is_asked_for(
            request.accessibility_requirements.as_ref(),
            &volume.topology,
        ) {
            format!("it is where {:?}", volume.topology)
        } else {
            match parameters::kind(
                &request.parameters,
                &self.capabilities,
                volume.kind,
                self.dialect,
            ) {
                Ok(kind) if kind == volume.kind => return Ok(()),
                Ok(_) => format!("it is of kind {}", volume.kind),
                Err(error) => error.to_string(),
            }
        };
        Err(Error::Exists {
            object: Object::Volume,
            id: volume.id.clone(),
            why,
        })
    }
}

fn source(wire: Option<&v1::VolumeContentSource>) -> Result<Option<Source>, Error> {
    use v1::volume_content_source::Type;
    let Some(wire) = wire else {
        return Ok(None);
    };
    match &wire.r#type {
        None => Err(Error::Missing("volume_content_source.type")),
        Some(Type::Snapshot(snapshot)) => {
            let id = Id::required("snapshot_id", &snapshot.snapshot_id)?;
            Ok(Some(Source::Snapshot(id)))
        }
        Some(Type::Volume(volume)) => {
            let id = Id::required("volume_id", &volume.volume_id)?;
            Ok(Some(Source::Volume(id)))
        }
    }
}
