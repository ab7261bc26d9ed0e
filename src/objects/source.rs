use std::borrow::Cow;

use flex2csi_translators::{endpoint, source};

/// The source of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It is CSI already.
    Csi,
    /// It is CSI, of flex2csi's own endpoint, and has the legacy source in its attributes.
    Endpoint {
        /// The endpoint.
        driver: String,
        /// The volume, to the endpoint.
        handle: String,
    },
    /// A FlexVolume driver's.
    Flex {
        /// As in `flexVolume.driver`.
        driver: String,
    },
    /// A source of its own in Kubernetes.
    InTree {
        /// Its member.
        field: &'static str,
    },
    /// None, or several.
    Unknown,
}

impl Source {
    /// The source of a PersistentVolume, JSON.
    pub fn of(json: &str) -> Self {
        Self::read(json).unwrap_or(Self::Unknown)
    }

    fn read(json: &str) -> Option<Self> {
        let mut pv = flex2csi_translators::parse(json).ok()?;
        let spec = pv.object("spec").ok()??;
        Some(match source::only_source(spec).ok()?? {
            source::CSI => {
                let csi = spec.object(source::CSI).ok()??;
                let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
                let driver = text(csi.str("driver").ok()?);
                let handle = text(csi.str("volumeHandle").ok()?);
                match csi.object("volumeAttributes").ok()? {
                    Some(attributes) if attributes.get(endpoint::SOURCE).is_some() => {
                        Self::Endpoint { driver, handle }
                    }
                    _ => Self::Csi,
                }
            }
            source::FLEX_VOLUME => {
                let flex = spec.object(source::FLEX_VOLUME).ok()??;
                let driver = flex.str("driver").ok()?.unwrap_or_default();
                Self::Flex {
                    driver: driver.into_owned(),
                }
            }
            field => Self::InTree { field },
        })
    }

    /// As in tables.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Csi => source::CSI,
            Self::Flex { driver } | Self::Endpoint { driver, .. } => driver,
            Self::InTree { field } => field,
            Self::Unknown => "unknown",
        }
    }
}
