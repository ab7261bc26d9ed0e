//! What clients send, in any form and cut anywhere.

mod client;
mod server;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Authority, MAX_HELD, PREFACE};
use client::{Client, Request};

/// Gives the bytes in pieces of these lengths, again and again, as reads would.
fn rewritten(bytes: &[u8], pieces: &[usize]) -> Vec<u8> {
    let mut authority = Authority::new();
    let (mut passed, mut held) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    for piece in pieces.iter().cycle() {
        let (read, after) = rest.split_at((*piece).min(rest.len()));
        rest = after;
        held.extend_from_slice(read);
        let step = authority.rewrite(&mut held);
        passed.extend(held.drain(..step));
        assert!(held.len() < MAX_HELD, "{} bytes are held", held.len());
        if rest.is_empty() {
            break;
        }
    }
    // The client has gone in the middle of a header: its words as they are.
    passed.append(&mut held);
    passed
}

fn at_once(bytes: &[u8]) -> Vec<u8> {
    rewritten(bytes, &[bytes.len().max(1)])
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1..4_usize, 1..40_usize, 1..5000_usize], 1..20)
}

proptest! {
    #[test]
    fn only_authorities_change_however_the_bytes_are_cut(
        requests in vec(client::request(), 1..6),
        pieces in pieces(),
    ) {
        let client = Client::sending(&requests);
        let output = rewritten(&client.bytes, &pieces);
        prop_assert_eq!(output.len(), client.bytes.len());
        for (place, (before, after)) in client.bytes.iter().zip(&output).enumerate() {
            prop_assert!(before == after || client.authorities.contains(&place), "byte {}", place);
        }
        prop_assert_eq!(output, at_once(&client.bytes));
    }

    #[test]
    fn h2_takes_every_request_and_finds_authorities_of_the_same_length(
        requests in vec(client::request(), 1..6),
        pieces in pieces(),
    ) {
        let client = Client::sending(&requests);
        let seen = server::authorities(&rewritten(&client.bytes, &pieces));
        let expected = client.sent.iter().map(|authority| authority.len()).collect::<Vec<_>>();
        let lengths = seen.unwrap().iter().map(String::len).collect::<Vec<_>>();
        prop_assert_eq!(lengths, expected);
    }

    #[test]
    fn legal_authorities_stay(
        requests in vec(client::request(), 1..6),
        authority in "[a-z][a-z0-9.-]{0,40}(:[0-9]{1,4})?",
    ) {
        let legal = requests.into_iter().map(|request| Request { authority: authority.clone(), ..request });
        let client = Client::sending(&legal.collect::<Vec<_>>());
        prop_assert_eq!(at_once(&client.bytes), client.bytes);
    }

    #[test]
    fn garbage_keeps_its_length(
        garbage in vec(any::<u8>(), 0..6000),
        preface in any::<bool>(),
        pieces in pieces(),
    ) {
        let bytes = [if preface { PREFACE } else { &[] }, &garbage].concat();
        let output = rewritten(&bytes, &pieces);
        prop_assert_eq!(output.len(), bytes.len());
        if !preface {
            prop_assert_eq!(output, bytes);
        }
    }

    #[test]
    fn damaged_requests_keep_their_length(
        requests in vec(client::request(), 1..4),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        pieces in pieces(),
    ) {
        let mut bytes = Client::sending(&requests).bytes;
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let output = rewritten(&bytes, &pieces);
        prop_assert_eq!(output.len(), bytes.len());
        prop_assert_eq!(output, at_once(&bytes));
    }
}

#[test]
fn h2_refuses_what_grpc_go_sends_for_a_bare_path() {
    for authority in ["/csi/csi.sock", "%2Fcsi%2Fcsi.sock"] {
        let client = Client::sending(&[Request::to(authority)]);
        assert!(server::authorities(&client.bytes).unwrap().is_empty());
        let seen = server::authorities(&at_once(&client.bytes)).unwrap();
        assert_eq!(seen, [authority.replace(['/', '%'], "-")]);
    }
}

/// An authority behind so much that it is not looked for passes, and so does
/// all that follows.
#[test]
fn a_front_beyond_all_bounds_passes_as_it_is() {
    let mut request = Request::to("/x");
    request.path = format!("/{}", "p".repeat(2 * MAX_HELD));
    let client = Client::sending(&[request]);
    for pieces in [vec![1], vec![100], vec![usize::MAX]] {
        assert_eq!(rewritten(&client.bytes, &pieces), client.bytes);
    }
}

#[test]
fn a_client_that_goes_in_the_middle_is_not_held() {
    let client = Client::sending(&[Request::to("/csi/csi.sock")]);
    for end in 0..client.bytes.len() {
        let bytes = &client.bytes[..end];
        assert_eq!(rewritten(bytes, &[7]).len(), end);
    }
}
