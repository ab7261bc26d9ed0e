//! Our `.proto` files say what the official ones say.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_1 {
    use std::collections::BTreeSet;
    use std::process::Command;

    use flex2csi_testing::programs;
    use prost::Message;
    use prost_types::field_descriptor_proto::{Label, Type};
    use prost_types::{
        DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
        FileDescriptorSet, ServiceDescriptorProto,
    };

    const PACKAGES: [&str; 2] = ["csi.v1", "pluginregistration"];

    /// All that two sides of a call have to agree about, one fact a line. How the
    /// files are cut is left out, and so are the extensions that mark fields as
    /// secret or alpha: ours say that in comments.
    fn facts(descriptors: &[u8]) -> BTreeSet<String> {
        let mut facts = Facts::default();
        for file in FileDescriptorSet::decode(descriptors).unwrap().file {
            if PACKAGES.contains(&file.package()) {
                facts.file(&file);
            }
        }
        facts.0
    }

    #[derive(Default)]
    struct Facts(BTreeSet<String>);

    impl Facts {
        fn fact(&mut self, fact: String) {
            self.0.insert(fact);
        }

        fn file(&mut self, file: &FileDescriptorProto) {
            let package = file.package();
            self.fact(format!("package {package} {}", file.syntax()));
            for service in &file.service {
                self.service(package, service);
            }
            for message in &file.message_type {
                self.message(package, message);
            }
            for inner in &file.enum_type {
                self.enumeration(package, inner);
            }
        }

        fn service(&mut self, package: &str, service: &ServiceDescriptorProto) {
            let name = format!("{package}.{}", service.name());
            self.fact(format!("service {name}"));
            for method in &service.method {
                let stream = |is: bool| if is { "stream " } else { "" };
                self.fact(format!(
                    "rpc {name}.{}({}{}) returns ({}{})",
                    method.name(),
                    stream(method.client_streaming()),
                    method.input_type(),
                    stream(method.server_streaming()),
                    method.output_type(),
                ));
            }
        }

        fn message(&mut self, outer: &str, message: &DescriptorProto) {
            let name = format!("{outer}.{}", message.name());
            let is_map = message
                .options
                .as_ref()
                .is_some_and(|options| options.map_entry());
            self.fact(format!("message {name}, map entry: {is_map}"));
            for field in &message.field {
                self.field(&name, message, field);
            }
            for range in &message.reserved_range {
                self.fact(format!(
                    "{name} reserves {}..{}",
                    range.start(),
                    range.end()
                ));
            }
            for reserved in &message.reserved_name {
                self.fact(format!("{name} reserves {reserved}"));
            }
            for inner in &message.nested_type {
                self.message(&name, inner);
            }
            for inner in &message.enum_type {
                self.enumeration(&name, inner);
            }
        }

        fn field(&mut self, message: &str, of: &DescriptorProto, field: &FieldDescriptorProto) {
            let oneof = field
                .oneof_index
                .map(|index| of.oneof_decl[index as usize].name());
            self.fact(format!(
                "field {message}.{} = {}: {:?} {:?} {}, oneof: {oneof:?}, deprecated: {}",
                field.name(),
                field.number(),
                Label::try_from(field.label.unwrap()).unwrap(),
                Type::try_from(field.r#type.unwrap()).unwrap(),
                field.type_name(),
                field
                    .options
                    .as_ref()
                    .is_some_and(|options| options.deprecated()),
            ));
        }

        fn enumeration(&mut self, outer: &str, inner: &EnumDescriptorProto) {
            let name = format!("{outer}.{}", inner.name());
            self.fact(format!("enum {name}"));
            for value in &inner.value {
                self.fact(format!(
                    "value {name}.{} = {}",
                    value.name(),
                    value.number()
                ));
            }
            for range in &inner.reserved_range {
                self.fact(format!(
                    "{name} reserves {}..={}",
                    range.start(),
                    range.end()
                ));
            }
            for reserved in &inner.reserved_name {
                self.fact(format!("{name} reserves {reserved}"));
            }
        }
    }

    #[test]
    #[ignore = "tier 1: needs the official descriptors; testing/run builds what prints them"]
    fn our_services_and_messages_are_the_official_ones() {
        let program = programs::built("descriptors").unwrap();
        let official = Command::new(program).output().unwrap();
        assert!(official.status.success(), "{official:?}");
        let official = facts(&official.stdout);
        let ours = facts(flex2csi::csi::DESCRIPTORS);

        // Of CSI 1.12: enough that an empty answer is none.
        assert!(
            official
                .iter()
                .filter(|fact| fact.starts_with("rpc csi.v1."))
                .count()
                > 30
        );
        let missing: Vec<_> = official.difference(&ours).collect();
        let extra: Vec<_> = ours.difference(&official).collect();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "missing: {missing:#?}\nextra: {extra:#?}"
        );
    }
}
