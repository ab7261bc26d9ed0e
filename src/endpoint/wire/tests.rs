//! Whatever a message holds: what is not exchanged comes out byte for byte.

use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::csi::v1::{ControllerPublishVolumeRequest, VolumeCapability};

/// A field of any wire type and any number, as a newer CSI might have it, with
/// lengths in more bytes than they need.
fn any_field() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..20);
    (1_u32..5000, 0_u8..6, bytes, any::<u64>(), any::<bool>()).prop_map(
        |(number, kind, bytes, integer, long)| {
            let mut field = Vec::new();
            let mut tag = |kind: u32| {
                prost::encoding::encode_varint(u64::from(number << 3 | kind), &mut field)
            };
            match kind {
                0 => {
                    tag(0);
                    prost::encoding::encode_varint(integer, &mut field);
                }
                1 => {
                    tag(1);
                    field.extend(integer.to_le_bytes());
                }
                2 => {
                    tag(5);
                    field.extend((integer as u32).to_le_bytes());
                }
                3 => {
                    tag(3);
                    tag(4);
                }
                _ => {
                    tag(2);
                    if long {
                        field.extend([bytes.len() as u8 | 0x80, 0]);
                    } else {
                        field.push(bytes.len() as u8);
                    }
                    field.extend(bytes);
                }
            }
            field
        },
    )
}

fn any_message() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any_field(), 0..12).prop_map(|fields| fields.concat())
}

proptest! {
    #[test]
    fn the_fields_together_are_the_message(message in any_message()) {
        let whole: Result<Vec<_>, Malformed> = fields(&message).map(|field| Ok(field?.whole)).collect();
        prop_assert_eq!(whole?.concat(), message);
    }

    #[test]
    fn what_is_kept_is_the_same_bytes(message in any_message(), number in 1_u32..20) {
        let kept = replace_field(&message, number, |_, _, _| Ok(Exchange::Keep))?;
        prop_assert_eq!(&kept, &message);
        let same = replace_field(&message, number, |_, content, out| {
            out.extend_from_slice(content);
            Ok(Exchange::Content)
        })?;
        prop_assert_eq!(&same, &message);
    }

    #[test]
    fn another_id_is_all_that_changes(
        id in "[a-z]{1,200}",
        new in "[a-z]{0,200}",
        node_id in ".{0,10}",
        unknown in any_message(),
    ) {
        let request = ControllerPublishVolumeRequest {
            volume_id: id.clone(),
            node_id,
            volume_context: [("k".to_owned(), "v".to_owned())].into(),
            volume_capability: Some(VolumeCapability::default()),
            ..Default::default()
        };
        // Unknown fields must not be those that the message has.
        let unknown: Vec<u8> = fields(&unknown)
            .flatten()
            .filter(|field| field.number > 20)
            .flat_map(|field| field.whole.to_vec())
            .collect();
        let mut message = unknown.clone();
        message.extend(request.encode_to_vec());
        message.extend(&unknown);
        let replaced = replace_at(&message, &[1], &|text| (text == id).then(|| new.clone()))?;
        let mut expected = unknown.clone();
        put(&mut expected, 1, new.as_bytes());
        let rest = ControllerPublishVolumeRequest { volume_id: String::new(), ..request };
        expected.extend(rest.encode_to_vec());
        expected.extend(&unknown);
        prop_assert_eq!(replaced, expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let well_formed = fields(&bytes).all(|field| field.is_ok());
        prop_assert_eq!(replace_at(&bytes, &[1, 2, 3], &|_| None).is_ok() || !well_formed
            || texts_at(&bytes, &[1, 2, 3]).is_err(), true);
        let _ = map_entries(&bytes, 1);
    }
}

#[test]
fn the_last_value_of_a_field_counts() {
    let mut message = Vec::new();
    add_text(&mut message, 1, "first");
    add_text(&mut message, 1, "last");
    assert_eq!(last_text(&message, 1), Ok("last"));
    assert_eq!(last_text(&message, 2), Ok(""));
    assert_eq!(texts_at(&message, &[1]), Ok(vec!["first", "last"]));
}

#[test]
fn an_entry_may_lack_its_key_or_have_it_behind() {
    let mut backwards = Vec::new();
    add_text(&mut backwards, 2, "v");
    add_text(&mut backwards, 1, "k");
    let mut message = Vec::new();
    put(&mut message, 6, &backwards);
    put(&mut message, 6, &[]);
    assert_eq!(map_entries(&message, 6), Ok(vec![("k", "v"), ("", "")]));
}

#[test]
fn what_is_no_message_is_malformed() {
    for bytes in [
        // A length beyond the end.
        &b"\x0a\x05ab"[..],
        // A varint without an end, and one of more than 64 bits.
        b"\x08\xff",
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        // The number 0, and a wire type that there is not.
        b"\x02\x00",
        b"\x0e",
        // Groups that do not end, or end as another.
        b"\x0b",
        b"\x0b\x14",
        b"\x0c",
    ] {
        assert!(fields(bytes).any(|field| field.is_err()), "{bytes:x?}");
    }
    let deep: Vec<u8> = std::iter::repeat_n(0x0b, 100_000).collect();
    assert!(fields(&deep).any(|field| field.is_err()));
    // Text that is none.
    assert_eq!(last_text(b"\x0a\x01\xff", 1), Err(Malformed));
}
