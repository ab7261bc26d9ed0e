//! One mapping: a file that was read, and its expressions once they are needed.

use std::sync::OnceLock;

use super::driver_pattern::{Captures, DriverPattern};
use super::error::Fault;
use super::examples;
use super::expression::{Answer, Expression};
use super::plan::Plan;
use super::schema::{Confidence, MappingFile};
use super::view::{Map, Scope};
use crate::error::Error;
use crate::json::Object;
use crate::values::ValueSpec;

/// The longest mapping file, in bytes.
const FILE_BYTES: usize = 256 * 1024;
/// How deep a mapping file may be nested: its examples hold Kubernetes objects.
const FILE_DEPTH: usize = 48;
/// Every mapping shows at least this many objects.
const EXAMPLES: usize = 2;

/// How one FlexVolume driver, or one family, is translated.
#[derive(Debug)]
pub struct Mapping {
    pub(super) file: MappingFile,
    pub(super) patterns: Vec<DriverPattern>,
    /// Compiled on the driver's first use.
    plan: OnceLock<Result<Plan, Fault>>,
}

impl Mapping {
    /// Reads a mapping file without compiling its expressions.
    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        let start = |message: String| Fault {
            line: 1,
            column: 1,
            message,
        };
        if text.len() > FILE_BYTES {
            let message = format!("the file has more than {FILE_BYTES} bytes");
            return Err(start(message));
        }
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: FILE_DEPTH },
            legacy_octal_numbers: true,
        };
        let file: MappingFile =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| {
                let message = brief(&error);
                match error.location() {
                    Some(location) => Fault::at(location, message),
                    None => start(message),
                }
            })?;
        let mut patterns = Vec::new();
        for driver in &file.drivers {
            let pattern = DriverPattern::parse(&driver.value);
            patterns.push(pattern.map_err(|message| Fault::on(driver, message))?);
        }
        let mapping = Self {
            file,
            patterns,
            plan: OnceLock::new(),
        };
        mapping.check_form()?;
        Ok(mapping)
    }

    /// Reads a mapping file, compiles its expressions and runs its examples.
    pub(super) fn load(text: &str) -> Result<Self, Fault> {
        let mapping = Self::read(text)?;
        mapping.compiled().map_err(Fault::clone)?;
        let file = &mapping.file;
        if file.examples.len() < EXAMPLES {
            let message = format!("expected at least {EXAMPLES} `examples`");
            return Err(Fault::on(&file.mapping, message));
        }
        for example in &file.examples {
            examples::run(&mapping, &example.value).map_err(|message| {
                let name = &example.value.name;
                Fault::on(example, format!("example {name:?}: {message}"))
            })?;
        }
        Ok(mapping)
    }

    /// What the types of the file cannot say.
    fn check_form(&self) -> Result<(), Fault> {
        let file = &self.file;
        let refuse = |message: &str| Err(Fault::on(&file.mapping, message));
        let name = &file.mapping.value;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || !name.bytes().all(plain) {
            return refuse("expected a name in lower-case letters, digits and `-`");
        }
        let ways = [
            file.volume.is_some(),
            file.not_translatable.is_some(),
            file.kept.is_some(),
        ];
        if ways.iter().filter(|way| **way).count() != 1 {
            return refuse("expected one of `volume`, `notTranslatable` and `kept`");
        }
        if file.volume.is_some() && file.csi_driver.is_none() {
            return refuse("expected `csiDriver` beside `volume`");
        }
        if file.drivers.is_empty() && file.shape.is_none() {
            return refuse("expected `drivers` or `shape`");
        }
        Ok(())
    }

    fn compiled(&self) -> Result<&Plan, &Fault> {
        let compile = || {
            let places: Vec<&str> = self
                .patterns
                .iter()
                .flat_map(DriverPattern::places)
                .collect();
            Plan::compile(&self.file, &places)
        };
        self.plan.get_or_init(compile).as_ref()
    }

    pub(super) fn plan(&self) -> Result<&Plan, Error> {
        let compiled = self.compiled();
        compiled.map_err(|fault| fault.in_mapping(self.name()))
    }

    /// What the pattern's places hold, if this is one of the mapping's drivers.
    pub(super) fn captures<'m, 'n>(&'m self, driver: &'n str) -> Option<Captures<'m, 'n>> {
        self.patterns
            .iter()
            .find_map(|pattern| pattern.captures(driver))
    }

    /// Whether `when` lets these options pass.
    pub(super) fn fits(
        &self,
        captures: &Captures<'_, '_>,
        options: &Object<'_>,
    ) -> Result<bool, Error> {
        Ok(match &self.plan()?.when {
            Some(when) => holds(&when.expression, captures, options),
            None => true,
        })
    }

    /// Whether the options of a driver of another name have this shape.
    pub(super) fn has_shape(&self, options: &Object<'_>) -> Result<bool, Error> {
        Ok(match &self.plan()?.shape {
            Some(shape) => holds(&shape.expression, &Captures::new(), options),
            None => false,
        })
    }

    /// The name; also that of the section of the values file.
    pub fn name(&self) -> &str {
        &self.file.mapping.value
    }

    /// What it is for, in a few words.
    pub fn summary(&self) -> &str {
        &self.file.summary
    }

    /// The FlexVolume drivers: names, and patterns with places in braces.
    pub fn drivers(&self) -> impl Iterator<Item = &str> {
        self.file.drivers.iter().map(|driver| driver.value.as_str())
    }

    /// Whether drivers of any other name are known by their options.
    pub fn matches_by_shape(&self) -> bool {
        self.file.shape.is_some()
    }

    /// The CSI driver as it is usually called, with no more known than the
    /// values' defaults; else the expression that gives it. `None` where there
    /// is no translation.
    pub fn csi_driver(&self) -> Option<String> {
        let source = self.file.csi_driver.as_ref()?;
        let scope = Scope {
            storage_class: Map::UnknownClass,
            values: Map::Values {
                declared: self.values(),
                given: None,
            },
            ..Scope::default()
        };
        let driver = self.plan().ok()?.driver.as_ref()?;
        match driver.expression.evaluate(&scope) {
            Ok(Answer::Text(driver)) => Some(driver.into_owned()),
            _ => Some(source.value.clone()),
        }
    }

    /// Why its volumes are left as they are, if they are.
    pub fn kept(&self) -> Option<&str> {
        self.file.kept.as_deref()
    }

    /// How well the vendor's format is known.
    pub fn confidence(&self) -> Confidence {
        self.file.confidence
    }

    /// What only the site knows.
    pub fn values(&self) -> &[ValueSpec] {
        &self.file.values
    }

    /// Why there is no translation, and what to do instead.
    pub fn not_translatable(&self) -> Option<(&str, &str)> {
        let not = self.file.not_translatable.as_ref()?;
        Some((&not.reason, &not.instead))
    }

    /// The provisioners whose StorageClasses and claims are translated.
    pub fn provisioners(&self) -> &[String] {
        match &self.file.storage_class {
            Some(class) => &class.provisioners,
            None => &[],
        }
    }

    /// Where the vendor's format was read.
    pub fn references(&self) -> &[String] {
        &self.file.references
    }

    /// The mapping in words, as Markdown.
    pub fn description(&self) -> &str {
        &self.file.description
    }
}

/// Whether a condition holds; one that fails does not.
fn holds(condition: &Expression, captures: &Captures<'_, '_>, options: &Object<'_>) -> bool {
    let scope = Scope {
        options: Map::Options(options),
        captures: Map::Captures(captures),
        ..Scope::default()
    };
    condition.evaluate(&scope) == Ok(Answer::Bool(true))
}

/// The parser's words in one line, without the source around.
fn brief(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or_default();
    match line.find(" at line ") {
        Some(end) => line[..end].to_owned(),
        None => line.to_owned(),
    }
}
