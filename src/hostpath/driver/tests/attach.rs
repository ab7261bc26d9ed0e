use super::*;

fn attach(
    volume: &str,
    node: &str,
    mode: Mode,
    readonly: bool,
) -> v1::ControllerPublishVolumeRequest {
    v1::ControllerPublishVolumeRequest {
        volume_id: volume.to_owned(),
        node_id: node.to_owned(),
        volume_capability: Some(capability(mode)),
        readonly,
        ..Default::default()
    }
}

fn detach(volume: &str, node: &str) -> v1::ControllerUnpublishVolumeRequest {
    v1::ControllerUnpublishVolumeRequest {
        volume_id: volume.to_owned(),
        node_id: node.to_owned(),
        secrets: BTreeMap::new(),
    }
}

/// Two nodes, `n` and `m`, which can have two volumes each.
fn two_nodes() -> Here {
    let here = Here::with(&["--attach", "--max-volumes", "2"]);
    here.again(&["--attach", "--node-id", "m", "--max-volumes", "2"]);
    here
}

use Mode::{MultiNodeMultiWriter as Many, SingleNodeWriter as One};

/// A volume that any node reaches, as one that was given.
fn anywhere(here: &Here, volume: &str) {
    here.driver
        .give_volume(id(volume), Kind::Directory, 1)
        .unwrap();
}

#[test]
fn a_volume_for_one_node_is_on_one() {
    let here = two_nodes();
    anywhere(&here, "v");
    let publish = |request| here.driver.controller_publish_volume(request);
    publish(attach("v", "n", One, false)).unwrap();
    publish(attach("v", "n", One, false)).unwrap();
    assert_eq!(
        code(publish(attach("v", "n", One, true))),
        Code::AlreadyExists
    );
    assert_eq!(
        code(publish(attach("v", "n", Many, false))),
        Code::AlreadyExists
    );
    assert_eq!(
        code(publish(attach("v", "m", One, false))),
        Code::FailedPrecondition
    );
    assert_eq!(
        code(publish(attach("v", "m", Many, false))),
        Code::FailedPrecondition
    );
    assert_eq!(
        code(here.driver.delete_volume(delete("v"))),
        Code::FailedPrecondition
    );
    for _ in 0..2 {
        here.driver
            .controller_unpublish_volume(detach("v", "n"))
            .unwrap();
    }
    publish(attach("v", "m", One, false)).unwrap();
    here.driver
        .controller_unpublish_volume(detach("v", ""))
        .unwrap();
    here.driver.delete_volume(delete("v")).unwrap();
}

#[test]
fn a_volume_for_many_nodes_is_on_many() {
    let here = two_nodes();
    anywhere(&here, "v");
    for node in ["n", "m"] {
        here.driver
            .controller_publish_volume(attach("v", node, Many, false))
            .unwrap();
    }
    let listed = here.driver.list_volumes(Default::default()).unwrap();
    assert_eq!(
        listed.entries[0]
            .status
            .as_ref()
            .unwrap()
            .published_node_ids,
        ["m", "n"]
    );
}

#[test]
fn a_node_is_full_unknown_or_elsewhere() {
    let here = two_nodes();
    for volume in ["a", "b", "c"] {
        anywhere(&here, volume);
    }
    let publish = |volume, node| {
        here.driver
            .controller_publish_volume(attach(volume, node, One, false))
    };
    publish("a", "n").unwrap();
    publish("b", "n").unwrap();
    publish("a", "n").unwrap();
    assert_eq!(code(publish("c", "n")), Code::ResourceExhausted);
    assert_eq!(code(publish("c", "x")), Code::NotFound);
    assert_eq!(code(publish("x", "n")), Code::NotFound);
    assert_eq!(code(publish("", "n")), Code::InvalidArgument);
    assert_eq!(code(publish("a", "")), Code::InvalidArgument);
    let here_alone = here.create("here-alone").volume_id;
    assert_eq!(code(publish(&here_alone, "m")), Code::FailedPrecondition);
    here.driver
        .controller_unpublish_volume(detach("x", "n"))
        .unwrap();
    here.driver
        .controller_unpublish_volume(detach("a", "x"))
        .unwrap();
}

#[test]
fn without_the_flag_there_is_no_attach_step() {
    let here = Here::new();
    anywhere(&here, "v");
    let publish = here
        .driver
        .controller_publish_volume(attach("v", "n", One, false));
    assert_eq!(code(publish), Code::Unimplemented);
    let unpublish = here.driver.controller_unpublish_volume(detach("v", "n"));
    assert_eq!(code(unpublish), Code::Unimplemented);
}
