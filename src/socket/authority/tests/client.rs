//! An HTTP/2 client that can say one thing in every way there is.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::PREFACE;
use super::super::huffman::GROUPS;

const SETTINGS: u8 = 4;
const HEADERS: u8 = 1;
const DATA: u8 = 0;
const CONTINUATION: u8 = 9;

/// How a literal is to be kept (RFC 7541, section 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Indexed,
    NotIndexed,
    NeverIndexed,
}

/// A request and the form that it is sent in.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) keep: Keep,
    /// Refer to the last indexed authority instead, if there is one.
    pub(super) repeated: bool,
    pub(super) huffman: bool,
    /// `:authority` as text, not by its index.
    pub(super) named: bool,
    /// The authority before the other pseudo-headers.
    pub(super) first: bool,
    /// A new size of the dynamic table in front.
    pub(super) resized: bool,
    pub(super) padding: Option<u8>,
    pub(super) priority: bool,
    /// Where the block is cut into frames.
    pub(super) cuts: Vec<prop::sample::Index>,
    pub(super) body: usize,
}

impl Request {
    /// As grpc-go sends it.
    pub(super) fn to(authority: &str) -> Self {
        Self {
            authority: authority.to_owned(),
            path: "/csi.v1.Identity/Probe".to_owned(),
            keep: Keep::Indexed,
            repeated: false,
            huffman: true,
            named: false,
            first: false,
            resized: false,
            padding: None,
            priority: false,
            cuts: Vec::new(),
            body: 5,
        }
    }
}

pub(super) fn request() -> impl Strategy<Value = Request> {
    let authority = prop_oneof![
        "(/[a-z0-9._-]{1,12}){1,8}",
        "(%2F[A-Za-z0-9._-]{1,12}){1,8}",
        "[ -~&&[^\\\\]]{1,60}",
        "[/%a#]{1,4}",
    ];
    let keep = prop_oneof![
        Just(Keep::Indexed),
        Just(Keep::NotIndexed),
        Just(Keep::NeverIndexed)
    ];
    let flags = any::<[bool; 6]>();
    let frames = (
        option::of(any::<u8>()),
        vec(any::<prop::sample::Index>(), 0..4),
        0..300_usize,
    );
    (authority, "/[a-z]{1,30}", keep, flags, frames).prop_map(
        |(authority, path, keep, flags, (padding, cuts, body))| {
            let [repeated, huffman, named, first, resized, priority] = flags;
            Request {
                authority,
                path,
                keep,
                repeated,
                huffman,
                named,
                first,
                resized,
                padding,
                priority,
                cuts,
                body,
            }
        },
    )
}

/// All that a client sends.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) bytes: Vec<u8>,
    /// The places of the bytes of authorities.
    pub(super) authorities: BTreeSet<usize>,
    /// The authority of each request.
    pub(super) sent: Vec<String>,
    /// The authority that the dynamic table holds, with its age in entries.
    indexed: Option<(String, usize)>,
}

impl Client {
    pub(super) fn sending(requests: &[Request]) -> Self {
        let mut client = Self {
            bytes: PREFACE.to_vec(),
            ..Self::default()
        };
        client.frame(SETTINGS, 0, 0, &[]);
        for (number, request) in requests.iter().enumerate() {
            client.send(2 * number as u32 + 1, request);
        }
        client
    }

    fn send(&mut self, stream: u32, request: &Request) {
        let (block, authority) = self.block(request);
        let mut cuts = vec![0, block.len()];
        cuts.extend(request.cuts.iter().map(|cut| cut.index(block.len())));
        cuts.sort_unstable();
        let last = cuts.len() - 2;
        for (number, cut) in cuts.windows(2).enumerate() {
            let end_headers = if number == last { 0x4 } else { 0 };
            let start = if number == 0 {
                self.headers(stream, end_headers, request, &block[..cut[1]])
            } else {
                self.frame(CONTINUATION, end_headers, stream, &block[cut[0]..cut[1]])
            };
            let inside = authority
                .clone()
                .filter(|place| (cut[0]..cut[1]).contains(place));
            self.authorities
                .extend(inside.map(|place| start + place - cut[0]));
        }
        self.frame(DATA, 0x1, stream, &vec![b'/'; request.body]);
    }

    /// A HEADERS frame; gives where the fragment starts.
    fn headers(&mut self, stream: u32, end: u8, request: &Request, fragment: &[u8]) -> usize {
        let (mut flags, mut payload) = (end, Vec::new());
        if let Some(padding) = request.padding {
            flags |= 0x8;
            payload.push(padding);
        }
        if request.priority {
            flags |= 0x20;
            payload.extend([0, 0, 0, 0, 7]);
        }
        let before = payload.len();
        payload.extend_from_slice(fragment);
        payload.resize(payload.len() + usize::from(request.padding.unwrap_or(0)), 0);
        self.frame(HEADERS, flags, stream, &payload) + before
    }

    /// Any frame; gives where the payload starts.
    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> usize {
        self.bytes
            .extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
        self.bytes.extend([kind, flags]);
        self.bytes.extend_from_slice(&stream.to_be_bytes());
        self.bytes.extend_from_slice(payload);
        self.bytes.len() - payload.len()
    }

    /// A header block, and where the authority's text lies in it.
    fn block(&mut self, request: &Request) -> (Vec<u8>, std::ops::Range<usize>) {
        let mut block = Vec::new();
        if request.resized {
            // 4096, what it is anyway.
            block.extend([0x3f, 0xe1, 0x1f]);
        }
        let mut text = 0..0;
        if request.first {
            text = self.authority(&mut block, request);
        }
        block.extend([0x83, 0x86]); // POST, http
        block.push(0x04);
        string(&mut block, request.path.as_bytes(), false);
        if !request.first {
            text = self.authority(&mut block, request);
        }
        block.extend([0x0f, 0x10]); // content-type
        string(&mut block, b"application/grpc", false);
        // Indexed, so that the authority's index changes.
        block.push(0x40);
        string(&mut block, b"x-request", false);
        string(&mut block, b"/%", false);
        if let Some((_, age)) = &mut self.indexed {
            *age += 1;
        }
        (block, text)
    }

    fn authority(&mut self, block: &mut Vec<u8>, request: &Request) -> std::ops::Range<usize> {
        if let Some((authority, age)) = &self.indexed
            && request.repeated
        {
            self.sent.push(authority.clone());
            block.push(0x80 | (62 + *age as u8));
            return 0..0;
        }
        let index = u8::from(!request.named);
        block.push(
            index
                | match request.keep {
                    Keep::Indexed => 0x40,
                    Keep::NotIndexed => 0x00,
                    Keep::NeverIndexed => 0x10,
                },
        );
        if request.named {
            string(block, b":authority", request.huffman);
        }
        let length = string(block, request.authority.as_bytes(), request.huffman);
        self.sent.push(request.authority.clone());
        if request.keep == Keep::Indexed {
            self.indexed = Some((request.authority.clone(), 0));
        }
        block.len() - length..block.len()
    }
}

/// Appends a string, coded only where that makes it no longer, as encoders do.
/// Gives the length of its text.
fn string(block: &mut Vec<u8>, text: &[u8], huffman: bool) -> usize {
    let coded = huffman
        .then(|| code(text))
        .filter(|coded| coded.len() <= text.len());
    let flag = if coded.is_some() { 0x80 } else { 0 };
    let text = coded.as_deref().unwrap_or(text);
    if let Some(more) = text.len().checked_sub(127) {
        block.push(flag | 127);
        let mut more = more;
        while more >= 128 {
            block.push(0x80 | (more % 128) as u8);
            more /= 128;
        }
        block.push(more as u8);
    } else {
        block.push(flag | text.len() as u8);
    }
    block.extend_from_slice(text);
    text.len()
}

/// A text in Huffman code.
fn code(text: &[u8]) -> Vec<u8> {
    let mut bits = Vec::new();
    for character in text {
        let (mut first, mut before) = (0, 0);
        for group in &GROUPS {
            first <<= group.bits - before;
            before = group.bits;
            if let Some(place) = group
                .characters
                .iter()
                .position(|listed| listed == character)
            {
                let code = first + place as u32;
                bits.extend((0..group.bits).rev().map(|bit| code >> bit & 1));
            }
            first += group.count;
        }
    }
    bits.resize(bits.len().next_multiple_of(8), 1);
    let byte = |bits: &[u32]| bits.iter().fold(0, |byte, bit| byte << 1 | *bit as u8);
    bits.chunks(8).map(byte).collect()
}
