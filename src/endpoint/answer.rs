//! What an answer becomes for the caller.

use super::known_ids::KnownIds;
use super::rpc::{Rpc, Special};
use super::translation::{Translation, exchange_map};
use super::wire::{self, Exchange, Malformed};

/// `ValidateVolumeCapabilitiesResponse.confirmed`, and in it `volume_context` and
/// `parameters`.
const CONFIRMED: u32 = 1;
const CONFIRMED_CONTEXT: u32 = 1;
const CONFIRMED_PARAMETERS: u32 = 3;

/// `GetPluginInfoResponse.name`.
const NAME: u32 = 1;

/// How an answer is to be given back.
#[derive(Debug)]
pub enum Answer {
    /// As it comes.
    AsItIs,
    /// With the endpoint's name for the backend's.
    Name(String),
    /// With the caller's ids, attributes and parameters.
    Translated(Translation),
    /// With every id that a caller knows otherwise.
    Known,
}

impl Answer {
    /// How the answer to a call is to be given back.
    pub fn of(
        rpc: &Rpc,
        translation: Option<Translation>,
        endpoint: &str,
        known: &KnownIds,
    ) -> Self {
        match (rpc.special, translation) {
            (Special::PluginName, _) => Self::Name(endpoint.to_owned()),
            (Special::Confirms, Some(translation)) => Self::Translated(translation),
            (_, Some(translation))
                if !translation.ids.is_empty() && !rpc.answered_ids.is_empty() =>
            {
                Self::Translated(translation)
            }
            (Special::Lists, _) if !known.is_empty() => Self::Known,
            _ => Self::AsItIs,
        }
    }

    /// Whether the answer's message has to be looked at.
    pub fn is_changed(&self) -> bool {
        !matches!(self, Self::AsItIs)
    }

    /// The answer's message in the caller's words.
    ///
    /// # Errors
    /// The backend's message is malformed.
    pub fn message(
        &self,
        rpc: &Rpc,
        message: &[u8],
        known: &KnownIds,
    ) -> Result<Vec<u8>, Malformed> {
        let caller = |backend: &str| known.caller(backend);
        match self {
            Self::AsItIs => Ok(message.to_vec()),
            Self::Name(name) => wire::replace_at(message, &[NAME], &|_| Some(name.clone())),
            Self::Known => replace_ids(rpc, message, &caller),
            Self::Translated(translation) => {
                let message = replace_ids(rpc, message, &|backend| {
                    let pair = translation.ids.iter().find(|(_, id)| id == backend);
                    pair.map(|(caller, _)| caller.clone())
                        .or_else(|| caller(backend))
                })?;
                if rpc.special == Special::Confirms {
                    confirm(&message, translation)
                } else {
                    Ok(message)
                }
            }
        }
    }
}

fn replace_ids(
    rpc: &Rpc,
    message: &[u8],
    caller: &impl Fn(&str) -> Option<String>,
) -> Result<Vec<u8>, Malformed> {
    let mut message = message.to_vec();
    for path in rpc.answered_ids {
        message = wire::replace_at(&message, path, caller)?;
    }
    Ok(message)
}

/// What was confirmed is what the caller asked about, if anything was.
fn confirm(message: &[u8], translation: &Translation) -> Result<Vec<u8>, Malformed> {
    wire::replace_field(message, CONFIRMED, |_, confirmed, out| {
        *out = confirmed.to_vec();
        let repeated = [
            (CONFIRMED_CONTEXT, &translation.attributes),
            (CONFIRMED_PARAMETERS, &translation.parameters),
        ];
        for (number, asked) in repeated {
            if let Some(asked) = asked
                && !wire::map_entries(out, number)?.is_empty()
            {
                *out = exchange_map(out, number, asked, &|_| true)?;
            }
        }
        Ok(Exchange::Content)
    })
}
