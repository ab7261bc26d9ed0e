//! FlexVolume drivers, as data: one mapping file for each, in which CEL
//! expressions say what becomes of a volume. `docs/mappings.md` explains it.

mod built_in;
mod claim;
mod driver_pattern;
mod error;
mod evaluate;
mod examples;
mod explain;
mod expression;
mod functions;
mod legacy;
mod mapping;
mod mappings;
mod plan;
mod schema;
mod secret;
mod skeleton;
mod storage_class;
mod translate;
mod view;
mod volume_form;

pub use error::MappingError;
pub use explain::Explained;
pub use mapping::Mapping;
pub use mappings::Mappings;
pub use schema::Confidence;
pub use translate::FlexVolume;
