//! Every RPC through the endpoint beside the direct call, field by field.

use std::collections::BTreeMap;

use flex2csi::endpoint::wire;
use flex2csi_translators::endpoint::{CONTEXT, SOURCE, VERSION};

use crate::populated::Csi;
use crate::rig::{Rig, Setup};
use crate::scripted::Reply;

/// The fields of a message, each number with all that it has, in order.
fn by_number(message: &[u8]) -> BTreeMap<u32, Vec<Vec<u8>>> {
    let mut fields: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    for field in wire::fields(message) {
        let field = field.unwrap();
        let values = fields.entry(field.number).or_default();
        values.push(field.whole.to_vec());
    }
    fields
}

/// A message with other entries in a map.
fn with_map(message: &[u8], number: u32, entries: &[(&str, &str)]) -> Vec<u8> {
    let mut out =
        wire::replace_field(message, number, |_, _, _| Ok(wire::Exchange::Fields)).unwrap();
    for (key, value) in entries {
        wire::map_entry(&mut out, number, key, value);
    }
    out
}

#[tokio::test]
async fn without_a_legacy_source_both_ways_are_the_same_bytes() {
    for method in Csi::read().methods() {
        if method.path.ends_with("/GetPluginInfo") || method.path.ends_with("/NodeGetInfo") {
            continue;
        }
        let csi = Csi::read();
        let answer = csi.populated(&method.answer, "vol-1");
        let told = answer.clone();
        let rig = Rig::with(Setup::default(), move |_| Reply::message(told.clone()));
        let request = csi.populated(&method.request, "vol-1");
        let (forwarded, answered) = rig.forwarded(&method.path, &request).await;
        assert_eq!(forwarded, request, "{}", method.path);
        assert_eq!(answered.message, answer, "{}", method.path);
    }
}

#[tokio::test]
async fn with_a_legacy_source_only_what_is_legacy_differs() {
    let csi = Csi::read();
    let source = r#"{"awsElasticBlockStore":{"volumeID":"vol-1","partition":3}}"#;
    let legacy = [
        (VERSION, "1"),
        (SOURCE, source),
        (CONTEXT, r#"{"name":"pv"}"#),
        ("pod", "web-0"),
    ];
    let direct = [("partition", "3"), ("pod", "web-0")];
    let mut translated = 0;
    for method in csi.methods() {
        let context = csi.number(&method.request, "volume_context");
        if context == 0 {
            continue;
        }
        translated += 1;
        let rig = Rig::echo();
        let request = csi.populated(&method.request, "vol-1");
        let (forwarded, _) = rig
            .forwarded(&method.path, with_map(&request, context, &legacy))
            .await;
        let expected = with_map(&request, context, &direct);
        let (mut got, mut expected) = (by_number(&forwarded), by_number(&expected));
        let sorted = |fields: &mut BTreeMap<u32, Vec<Vec<u8>>>| {
            let mut entries = fields.remove(&context).unwrap();
            entries.sort();
            entries
        };
        assert_eq!(sorted(&mut got), sorted(&mut expected), "{}", method.path);
        assert_eq!(got, expected, "{}", method.path);
    }
    assert_eq!(translated, 4);
}

/// Every id in every message, in the request as in the answer.
#[tokio::test]
async fn with_an_id_of_ours_only_ids_differ_and_answers_have_the_callers() {
    const OPEN: &str = "projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d";
    let csi = Csi::read();
    for method in csi.methods() {
        let node = csi.number(&method.request, "node_id");
        let on_node = method.path.starts_with("/csi.v1.Node/");
        if method.path.ends_with("/NodeGetInfo") || (node == 0 && !on_node) {
            continue;
        }
        let setup = Setup {
            driver: "pd.csi.storage.gke.io",
            ..Setup::default()
        };
        let rig = Rig::with(setup, |call| Reply::message(call.message.clone()));
        let request = |id: &str| {
            let request = csi.populated(&method.request, id);
            let node_id = crate::scripted::NODE_ID;
            wire::replace_at(&request, &[node], &|_| Some(node_id.to_owned())).unwrap()
        };
        let (forwarded, _) = rig.forwarded(&method.path, request(OPEN)).await;
        let expected = request("projects/p/zones/z1/disks/d");
        assert_eq!(forwarded, expected, "{}", method.path);
    }
}
