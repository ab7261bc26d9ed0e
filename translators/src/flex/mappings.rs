//! The known mappings, and which one a driver has.

use super::built_in::{BUILT_IN, BuiltIn};
use super::driver_pattern::Captures;
use super::error::{Fault, MappingError};
use super::legacy::{driver_of, options_of, source_of};
use super::mapping::Mapping;
use super::translate::{self, FlexVolume};
use super::{claim, skeleton, storage_class};
use crate::context::Context;
use crate::error::Error;
use crate::json::{Object, Path};
use crate::note::Note;
use crate::source::FLEX_VOLUME;
use crate::storage_class::StorageClass;
use crate::values::ValueSpec;

/// What an error of a volume's mapping is about that names no field.
const SOURCE_AT: &[&str] = &["spec", FLEX_VOLUME];

/// The known FlexVolume drivers: those of this crate, and the user's own.
///
/// A mapping of the user's takes the place of the built-in one of the same
/// name, and goes before others that know the same driver.
#[derive(Debug, Default)]
pub struct Mappings {
    user: Vec<Mapping>,
    built_in: bool,
}

/// A mapping that may not have been read yet.
#[derive(Clone, Copy)]
enum Candidate<'m> {
    User(&'m Mapping),
    BuiltIn(&'static BuiltIn),
}

impl<'m> Candidate<'m> {
    fn mapping(self) -> Result<&'m Mapping, Error> {
        match self {
            Self::User(mapping) => Ok(mapping),
            Self::BuiltIn(file) => {
                let mapping = file.mapping();
                mapping.map_err(|fault| fault.in_mapping(file.name))
            }
        }
    }

    fn has_driver(self, driver: &str) -> bool {
        match self {
            Self::User(mapping) => mapping.drivers().any(|known| known == driver),
            Self::BuiltIn(file) => file.drivers.contains(&driver),
        }
    }

    fn has_pattern_for(self, driver: &str) -> bool {
        let patterns = match self {
            Self::User(mapping) => &mapping.patterns,
            Self::BuiltIn(file) => file.patterns(),
        };
        patterns
            .iter()
            .any(|pattern| !pattern.is_exact() && pattern.fits(driver))
    }

    fn has_shape(self) -> bool {
        match self {
            Self::User(mapping) => mapping.matches_by_shape(),
            Self::BuiltIn(file) => file.shape,
        }
    }

    fn has_provisioner(self, provisioner: &str) -> bool {
        match self {
            Self::User(mapping) => mapping
                .provisioners()
                .iter()
                .any(|known| known == provisioner),
            Self::BuiltIn(file) => file.provisioners.contains(&provisioner),
        }
    }
}

impl Mappings {
    /// The mappings of this crate. They are read on their driver's first use.
    pub fn built_in() -> Self {
        Self {
            user: Vec::new(),
            built_in: true,
        }
    }

    /// Adds a mapping of the user's: reads it, compiles it, runs its examples.
    ///
    /// # Errors
    /// The file is not a mapping; where and what was expected is said.
    pub fn add(&mut self, file_name: &str, text: &str) -> Result<(), MappingError> {
        let mapping = Mapping::load(text).map_err(|fault| fault.in_file(file_name))?;
        let refuse = |message: String| {
            let fault = Fault::on(&mapping.file.mapping, message);
            Err(fault.in_file(file_name))
        };
        for known in &self.user {
            if known.name() == mapping.name() {
                return refuse(format!("a mapping {} was given already", known.name()));
            }
            let narrowed = known.file.when.is_some() || mapping.file.when.is_some();
            let same = mapping
                .drivers()
                .find(|driver| known.drivers().any(|other| other == *driver));
            if let Some(driver) = same
                && !narrowed
            {
                let known = known.name();
                return refuse(format!(
                    "the mapping {known} knows {driver} as well: expected `when` in one of them"
                ));
            }
        }
        self.user.push(mapping);
        Ok(())
    }

    fn candidates(&self) -> impl Iterator<Item = Candidate<'_>> {
        let built_in: &'static [BuiltIn] = if self.built_in { &BUILT_IN } else { &[] };
        let replaced = |file: &&BuiltIn| self.user.iter().any(|user| user.name() == file.name);
        let built_in = built_in.iter().filter(move |file| !replaced(file));
        let user = self.user.iter().map(Candidate::User);
        user.chain(built_in.map(Candidate::BuiltIn))
    }

    /// All mappings, the user's first. Reads those that were not.
    pub fn iter(&self) -> impl Iterator<Item = &Mapping> {
        self.candidates()
            .filter_map(|candidate| candidate.mapping().ok())
    }

    /// The mapping of a name.
    pub fn get(&self, name: &str) -> Option<&Mapping> {
        let named = |candidate: &Candidate<'_>| match candidate {
            Candidate::User(mapping) => mapping.name() == name,
            Candidate::BuiltIn(file) => file.name == name,
        };
        self.candidates().find(named)?.mapping().ok()
    }

    /// The sections of the values file and what each may hold.
    pub fn values_sections(&self) -> impl Iterator<Item = (&str, &[ValueSpec])> {
        self.iter()
            .map(|mapping| (mapping.name(), mapping.values()))
    }

    /// The mapping of a driver with such options: by its exact name, else by a
    /// pattern, else by the options' shape.
    pub(super) fn find<'m, 'n>(
        &'m self,
        driver: &'n str,
        options: &Object<'_>,
    ) -> Result<Option<(&'m Mapping, Captures<'m, 'n>)>, Error> {
        let by_name = self
            .candidates()
            .filter(|candidate| candidate.has_driver(driver));
        let by_pattern = self
            .candidates()
            .filter(|candidate| candidate.has_pattern_for(driver));
        for candidate in by_name.chain(by_pattern) {
            let mapping = candidate.mapping()?;
            let captures = mapping.captures(driver).unwrap_or_default();
            if mapping.fits(&captures, options)? {
                return Ok(Some((mapping, captures)));
            }
        }
        for candidate in self.candidates().filter(|candidate| candidate.has_shape()) {
            let mapping = candidate.mapping()?;
            if mapping.has_shape(options)? {
                return Ok(Some((mapping, Captures::new())));
            }
        }
        Ok(None)
    }

    /// The mapping of a driver with the options of this source.
    fn of_source<'m, 'n>(
        &'m self,
        driver: &'n str,
        source: &mut Object<'_>,
    ) -> Result<Option<(&'m Mapping, Captures<'m, 'n>)>, Error> {
        let none = Object::new();
        let options = options_of(source)?.unwrap_or(&none);
        self.find(driver, options)
    }

    fn by_provisioner(&self, provisioner: &str) -> Result<Option<&Mapping>, Error> {
        let mut candidates = self.candidates();
        candidates
            .find(|candidate| candidate.has_provisioner(provisioner))
            .map(Candidate::mapping)
            .transpose()
    }

    /// Translates a volume that has a FlexVolume source, in place.
    ///
    /// # Errors
    /// No mapping knows the driver, or the volume lacks what its mapping needs.
    pub fn volume(&self, pv: &mut Object<'_>, context: &Context<'_>) -> Result<FlexVolume, Error> {
        let driver = driver_of(source_of(pv)?)?.into_owned();
        let result = match self.of_source(&driver, source_of(pv)?) {
            Ok(Some((mapping, captures))) => translate::volume(mapping, &captures, pv, context),
            Ok(None) => Err(unknown(&driver, source_of(pv)?)),
            Err(error) => Err(error),
        };
        result.map_err(|error| error.about(SOURCE_AT))
    }

    /// The access mode for a volume made of an inline FlexVolume, whose source
    /// this is.
    ///
    /// # Errors
    /// The source lacks what the mapping's expression needs.
    pub fn inline_access_mode(
        &self,
        inline: &mut Object<'_>,
        context: &Context<'_>,
    ) -> Result<String, Error> {
        const DEFAULT: &str = "ReadWriteOnce";
        let driver = driver_of(inline)?.into_owned();
        let Some((mapping, captures)) = self.of_source(&driver, inline)? else {
            // Its translation will say that the driver is not known.
            return Ok(DEFAULT.to_owned());
        };
        let spec: Object<'_> = [(FLEX_VOLUME, inline.clone())].into_iter().collect();
        let mut pv: Object<'_> = [("spec", spec)].into_iter().collect();
        let modes = translate::inline_access_modes(mapping, &captures, &mut pv, context)?;
        Ok(modes
            .into_iter()
            .next()
            .unwrap_or_else(|| DEFAULT.to_owned()))
    }

    /// The CSI driver of a volume that has a FlexVolume source; `None` where no
    /// mapping knows it.
    ///
    /// # Errors
    /// The source is not one, or lacks what the mapping's expression needs.
    pub fn csi_driver(
        &self,
        pv: &mut Object<'_>,
        context: &Context<'_>,
    ) -> Result<Option<String>, Error> {
        let driver = driver_of(source_of(pv)?)?.into_owned();
        match self.of_source(&driver, source_of(pv)?)? {
            Some((mapping, captures)) => translate::csi_driver(mapping, &captures, pv, context),
            None => Ok(None),
        }
    }

    /// Translates a StorageClass in place; `None` where no mapping knows its
    /// provisioner.
    ///
    /// # Errors
    /// The class lacks what the mapping needs.
    pub fn storage_class(
        &self,
        class: &mut Object<'_>,
        context: &Context<'_>,
    ) -> Result<Option<Vec<Note>>, Error> {
        let provisioner = class.str("provisioner")?.unwrap_or_default();
        match self.by_provisioner(&provisioner)? {
            Some(mapping) => storage_class::translate(mapping, class, context)
                .map(Some)
                .map_err(|error| error.about(&["provisioner"])),
            None => Ok(None),
        }
    }

    /// The parameters of a class that say, after translation, with which Secret
    /// its volumes are made and deleted; `None` where no mapping knows its
    /// provisioner.
    ///
    /// # Errors
    /// The class lacks what the mapping needs.
    pub(crate) fn provisioner_secret(
        &self,
        class: &StorageClass,
        context: &Context<'_>,
    ) -> Result<Option<Vec<(String, String)>>, Error> {
        match self.by_provisioner(&class.provisioner)? {
            Some(mapping) => storage_class::provisioner_secret(mapping, class, context).map(Some),
            None => Ok(None),
        }
    }

    /// Translates a claim's annotations in place; `None` where none of them
    /// names a provisioner that a mapping knows.
    ///
    /// # Errors
    /// The claim lacks what the mapping needs.
    pub fn claim(
        &self,
        claim: &mut Object<'_>,
        context: &Context<'_>,
    ) -> Result<Option<Vec<Note>>, Error> {
        for provisioner in claim::provisioners(claim)? {
            if let Some(mapping) = self.by_provisioner(&provisioner)? {
                return claim::translate(mapping, claim, context)
                    .map(Some)
                    .map_err(|error| error.about(&["metadata", "annotations"]));
            }
        }
        Ok(None)
    }
}

fn unknown(driver: &str, source: &Object<'_>) -> Error {
    Error::UnknownDriver {
        path: Path::of(&["spec", FLEX_VOLUME, "driver"]),
        driver: driver.to_owned(),
        skeleton: skeleton::skeleton(driver, source),
    }
}
