//! The table against the descriptors of the messages.

use prost::Message as _;
use prost_types::field_descriptor_proto::Label;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use super::*;
use crate::csi::DESCRIPTORS;

struct Descriptors(FileDescriptorSet);

impl Descriptors {
    fn read() -> Self {
        Self(FileDescriptorSet::decode(DESCRIPTORS).unwrap())
    }

    /// The path, the request's and the answer's message of each method.
    fn methods(&self) -> Vec<(String, String, String)> {
        let files = self.0.file.iter().filter(|file| file.package() == "csi.v1");
        let services = files.flat_map(|file| &file.service);
        let methods = services.flat_map(|service| {
            service.method.iter().map(|method| {
                (
                    format!("/csi.v1.{}/{}", service.name(), method.name()),
                    method.input_type().to_owned(),
                    method.output_type().to_owned(),
                )
            })
        });
        methods.collect()
    }

    fn message(&self, name: &str) -> &DescriptorProto {
        let mut names = name.strip_prefix(".csi.v1.").unwrap().split('.');
        let first = names.next().unwrap();
        let mut files = self.0.file.iter().flat_map(|file| &file.message_type);
        let outer = files.find(|message| message.name() == first).unwrap();
        names.fold(outer, |message, name| {
            let mut nested = message.nested_type.iter();
            nested.find(|message| message.name() == name).unwrap()
        })
    }

    /// The names on every path to a field whose name is one of these, below a
    /// message, and the paths themselves.
    fn paths(&self, message: &str, wanted: &[&str]) -> Vec<Vec<u32>> {
        let mut found = Vec::new();
        for field in &self.message(message).field {
            let number = field.number() as u32;
            if wanted.contains(&field.name()) {
                found.push(vec![number]);
            } else if let Some(below) = submessage(field) {
                let below = self.paths(below, wanted);
                found.extend(
                    below
                        .into_iter()
                        .map(|path| [&[number], &path[..]].concat()),
                );
            }
        }
        found
    }

    fn number(&self, message: &str, names: &[&str]) -> u32 {
        let mut fields = self.message(message).field.iter();
        let field = fields.find(|field| names.contains(&field.name()));
        field.map_or(0, |field| field.number() as u32)
    }
}

fn submessage(field: &FieldDescriptorProto) -> Option<&str> {
    let name = field.type_name();
    // Entries of maps are no messages to go into.
    let entry = field.label() == Label::Repeated
        && name.ends_with("Entry")
        && !name.ends_with("Response.Entry");
    (name.starts_with(".csi.v1.")
        && !entry
        && field.r#type() == prost_types::field_descriptor_proto::Type::Message)
        .then_some(name)
}

fn paths(paths: &[Path]) -> Vec<Vec<u32>> {
    let mut paths: Vec<Vec<u32>> = paths.iter().map(|path| path.to_vec()).collect();
    paths.sort();
    paths
}

/// Ids of volumes, wherever they stand.
const IDS: [&str; 3] = ["volume_id", "source_volume_id", "source_volume_ids"];

#[test]
fn every_field_that_may_be_translated_is_in_the_table_and_no_other() {
    let descriptors = Descriptors::read();
    let none = &ANY;
    for (path, request, answer) in descriptors.methods() {
        let rpc = find(&path).unwrap_or(none);
        let mut ids = descriptors.paths(&request, &IDS);
        ids.sort();
        assert_eq!(paths(rpc.ids), ids, "ids of {path}");
        let number = |names: &[&str]| descriptors.number(&request, names);
        assert_eq!(rpc.volume_context, number(&["volume_context"]), "{path}");
        if rpc.node_id != 0 || path.contains("/Controller") {
            assert_eq!(rpc.node_id, number(&["node_id"]), "{path}");
        }
        if rpc.volume_context != 0 || rpc.parameters != 0 {
            let capability = number(&["volume_capability", "volume_capabilities"]);
            assert_eq!(rpc.capability, capability, "{path}");
        }
        // Those of snapshots are of no StorageClass.
        if !path.contains("Snapshot") {
            assert_eq!(rpc.parameters, number(&["parameters"]), "{path}");
        }
        if let Some((secrets, _)) = rpc.secret {
            assert_eq!(secrets, number(&["secrets"]), "{path}");
        }
        let mut answered = descriptors.paths(&answer, &IDS);
        // The volume that was made has the id that its backend gave it.
        if path.ends_with("/CreateVolume") {
            answered.retain(|path| *path != [1, 2]);
        }
        answered.sort();
        assert_eq!(paths(rpc.answered_ids), answered, "answered ids of {path}");
    }
}

#[test]
fn every_row_is_of_an_rpc() {
    let methods = Descriptors::read().methods();
    for rpc in &RPCS {
        assert!(
            methods.iter().any(|(path, ..)| path == rpc.path),
            "{}",
            rpc.path
        );
    }
}

#[test]
fn services_go_to_the_socket_that_has_them() {
    for (path, expected) in [
        ("/csi.v1.Identity/Probe", Service::Identity),
        ("/csi.v1.Controller/CreateVolume", Service::Controller),
        (
            "/csi.v1.GroupController/GetVolumeGroupSnapshot",
            Service::Controller,
        ),
        (
            "/csi.v1.SnapshotMetadata/GetMetadataDelta",
            Service::Controller,
        ),
        ("/csi.v1.Node/NodeGetInfo", Service::Node),
        ("/csi.v2.TomorrowController/X", Service::Controller),
        ("/grpc.health.v1.Health/Check", Service::Identity),
        ("/", Service::Identity),
        ("", Service::Identity),
    ] {
        assert_eq!(service(path), expected, "{path}");
    }
}
