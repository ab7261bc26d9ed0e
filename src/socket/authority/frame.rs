//! HTTP/2 frames (RFC 9113, section 4.1) and the header blocks that they carry.

use std::borrow::Cow;
use std::ops::Range;

/// The length of a frame's header.
pub(super) const HEADER: usize = 9;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// The priority in a HEADERS frame: stream dependency and weight.
const PRIORITY_LENGTH: usize = 5;

/// A frame's header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) payload: usize,
    kind: u8,
    flags: u8,
    stream: [u8; 4],
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let &[l0, l1, l2, kind, flags, s0, s1, s2, s3] = bytes.first_chunk::<HEADER>()?;
        Some(Self {
            payload: u32::from_be_bytes([0, l0, l1, l2]) as usize,
            kind,
            flags,
            stream: [s0 & 0x7f, s1, s2, s3],
        })
    }

    /// Whether a header block starts in it.
    pub(super) fn starts_block(&self) -> bool {
        self.kind == HEADERS
    }

    fn continues(&self, previous: &Self) -> bool {
        self.kind == CONTINUATION && self.stream == previous.stream
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn is_padded(&self) -> bool {
        self.kind == HEADERS && self.has(PADDED)
    }

    fn awaits_pad_length(&self, payload: &[u8]) -> bool {
        self.is_padded() && self.payload > 0 && payload.is_empty()
    }

    /// Where in the payload the fragment of the block lies, without padding and
    /// priority; none if they do not fit.
    fn fragment(&self, payload: &[u8]) -> Option<Range<usize>> {
        let (mut start, mut end) = (0, self.payload);
        if self.is_padded() {
            start = 1;
            end = end.checked_sub(usize::from(*payload.first()?))?;
        }
        if self.kind == HEADERS && self.has(PRIORITY) {
            start += PRIORITY_LENGTH;
        }
        (start <= end).then_some(start..end)
    }
}

/// The frames of one header block, as far as they have come: HEADERS and the
/// CONTINUATIONs right after it.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// Where in the bytes the block lies. Hardly ever in more than one frame:
    /// those after the first are kept apart, so that one costs no allocation.
    first: Range<usize>,
    more: Vec<Range<usize>>,
    /// Whether no more of the block will come.
    pub(super) whole: bool,
}

impl Chain {
    /// The chain that starts with a HEADERS frame at the start of `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut chain = Self::default();
        let mut previous: Option<Header> = None;
        let mut at = 0;
        while let Some(header) = bytes.get(at..).and_then(Header::read) {
            let payload = &bytes[at + HEADER..];
            if header.awaits_pad_length(payload) {
                break;
            }
            let belongs = previous.is_none_or(|previous| header.continues(&previous));
            let Some(fragment) = header.fragment(payload).filter(|_| belongs) else {
                // It is no HTTP/2.
                chain.whole = true;
                break;
            };
            let place = |offset: usize| (at + HEADER + offset).min(bytes.len());
            chain.push(&previous, place(fragment.start)..place(fragment.end));
            if payload.len() < header.payload {
                break;
            }
            if header.has(END_HEADERS) {
                chain.whole = true;
                break;
            }
            at += HEADER + header.payload;
            previous = Some(header);
        }
        chain
    }

    fn push(&mut self, previous: &Option<Header>, fragment: Range<usize>) {
        match previous {
            None => self.first = fragment,
            Some(_) => self.more.push(fragment),
        }
    }

    /// The block, as far as it has come.
    pub(super) fn block<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let first = &bytes[self.first.clone()];
        if self.more.is_empty() {
            return Cow::Borrowed(first);
        }
        let mut block = first.to_vec();
        for fragment in &self.more {
            block.extend_from_slice(&bytes[fragment.clone()]);
        }
        Cow::Owned(block)
    }

    /// Puts `text` into the block, `start` bytes after the block's start.
    pub(super) fn write(&self, bytes: &mut [u8], start: usize, text: &[u8]) {
        let more = self.more.iter().cloned().flatten();
        let places = self.first.clone().chain(more).skip(start);
        for (place, byte) in places.zip(text) {
            bytes[place] = *byte;
        }
    }
}
