//! Makes the `:authority` that grpc-go sends for a bare path legal.
//!
//! A client that dials `/var/lib/kubelet/plugins/x/csi.sock` without a scheme
//! sends that path as `:authority` (grpc-go up to 1.57), or the path with `%2F`
//! for each slash (from 1.58 on). Kubelet dials registration sockets that way to
//! this day, and CSI sockets up to 1.25. `h2` refuses either as malformed, and
//! there is no switch. So the bytes are changed before `h2` reads them: an
//! authority that is not legal gets others of the same length in their place.
//!
//! What is changed is the literal alone, in the block of a HEADERS frame. Its
//! length stays, in bytes and in characters, so that frame lengths stay true and
//! the dynamic table of HPACK (RFC 7541, section 4.1) counts the same sizes on
//! both sides. Later requests refer to the literal by its index there, where the
//! reader finds the changed text.
//!
//! Whatever is not understood passes as it came, for `h2` to judge: a connection
//! that is no HTTP/2, an authority that is not complete within [`MAX_HELD`]
//! bytes, one whose name is in the dynamic table.

mod block;
mod frame;
mod huffman;
mod integer;
mod literal;

#[cfg(test)]
mod tests;

use block::Front;
use frame::Chain;

/// The most bytes that are held back until a header block shows its authority.
/// grpc-go's fits many times.
pub const MAX_HELD: usize = 4096;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Where in the stream of a client the next byte lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the connection preface, so many bytes after its start.
    Preface(usize),
    /// At the start of a frame.
    Frame,
    /// In a frame that passes as it is, with so many bytes to go.
    Payload(usize),
    /// In something that is no HTTP/2.
    Foreign,
}

/// Follows the bytes of one HTTP/2 client.
#[derive(Debug)]
pub struct Authority {
    place: Place,
}

impl Authority {
    /// At the start of a connection.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            place: Place::Preface(0),
        }
    }

    /// Changes the bytes that came next where it must, and gives how many of
    /// them can be handed on. The rest, less than [`MAX_HELD`] bytes, has to be
    /// given again, at the start, when more have come.
    #[must_use]
    pub fn rewrite(&mut self, bytes: &mut [u8]) -> usize {
        let mut passed = 0;
        while passed < bytes.len() {
            let Some(step) = self.step(&mut bytes[passed..]) else {
                break;
            };
            passed += step;
        }
        passed
    }

    /// How many of the bytes are dealt with at once; none when more are needed.
    fn step(&mut self, bytes: &mut [u8]) -> Option<usize> {
        match self.place {
            Place::Foreign => Some(bytes.len()),
            Place::Preface(at) => Some(self.preface(at, bytes)),
            Place::Frame => {
                let header = frame::Header::read(bytes)?;
                if header.starts_block() && !settle(bytes) {
                    return None;
                }
                self.place = Place::Payload(header.payload);
                Some(frame::HEADER)
            }
            Place::Payload(left) => {
                let step = left.min(bytes.len());
                self.place = match left - step {
                    0 => Place::Frame,
                    left => Place::Payload(left),
                };
                // Nothing is left of an empty payload: go on with the next frame.
                Some(step)
            }
        }
    }

    fn preface(&mut self, at: usize, bytes: &[u8]) -> usize {
        let expected = &PREFACE[at..];
        let step = expected.len().min(bytes.len());
        self.place = if bytes[..step] != expected[..step] {
            Place::Foreign
        } else if step == expected.len() {
            Place::Frame
        } else {
            Place::Preface(at + step)
        };
        step
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes the authority legal in the header block that starts `bytes`. It gives
/// whether the block can pass; if not, more of it is needed.
fn settle(bytes: &mut [u8]) -> bool {
    // What lies beyond is not looked at, so that it makes no difference how the
    // bytes are split into reads.
    let shown = bytes.len().min(MAX_HELD);
    let bytes = &mut bytes[..shown];
    let chain = Chain::of(bytes);
    let front = block::front(&chain.block(bytes));
    match front {
        Front::Illegal { start, legal } => chain.write(bytes, start, &legal),
        Front::Fine => {}
        Front::Incomplete => return chain.whole || shown == MAX_HELD,
    }
    true
}
