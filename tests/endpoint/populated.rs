//! Messages with something in every field that CSI has, made from the descriptors.

use flex2csi::csi::DESCRIPTORS;
use flex2csi::endpoint::wire;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// A method of CSI.
pub struct Method {
    pub path: String,
    pub request: String,
    pub answer: String,
}

/// The descriptors of CSI.
pub struct Csi(FileDescriptorSet);

impl Csi {
    pub fn read() -> Self {
        Self(FileDescriptorSet::decode(DESCRIPTORS).unwrap())
    }

    /// Every method with one message each way.
    pub fn methods(&self) -> Vec<Method> {
        let files = self.0.file.iter().filter(|file| file.package() == "csi.v1");
        let services = files.flat_map(|file| &file.service);
        let methods = services.flat_map(|service| {
            let unary = service
                .method
                .iter()
                .filter(|method| !method.server_streaming());
            unary.map(|method| Method {
                path: format!("/csi.v1.{}/{}", service.name(), method.name()),
                request: method.input_type().to_owned(),
                answer: method.output_type().to_owned(),
            })
        });
        methods.collect()
    }

    pub fn message(&self, name: &str) -> Option<&DescriptorProto> {
        let mut names = name.strip_prefix(".csi.v1.")?.split('.');
        let first = names.next()?;
        let mut messages = self.0.file.iter().flat_map(|file| &file.message_type);
        let outer = messages.find(|message| message.name() == first)?;
        names.try_fold(outer, |message, name| {
            let mut nested = message.nested_type.iter();
            nested.find(|message| message.name() == name)
        })
    }

    /// The number of a field; 0 if the message has no such field.
    pub fn number(&self, message: &str, field: &str) -> u32 {
        let fields = &self.message(message).unwrap().field;
        let field = fields.iter().find(|known| known.name() == field);
        field.map_or(0, |field| field.number() as u32)
    }

    /// A message with something in every field, each id being `id`.
    pub fn populated(&self, message: &str, id: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let Some(descriptor) = self.message(message) else {
            return out;
        };
        for field in &descriptor.field {
            let times = if field.label() == Label::Repeated {
                2
            } else {
                1
            };
            for time in 0..times {
                self.field(field, time, id, &mut out);
            }
        }
        // And a field of tomorrow, with a length in more bytes than it needs.
        out.extend(b"\xfa\x3f\x83\x00new");
        out
    }

    fn field(&self, field: &FieldDescriptorProto, time: usize, id: &str, out: &mut Vec<u8>) {
        let number = field.number() as u32;
        match field.r#type() {
            Type::String if field.name().contains("volume_id") => wire::add_text(out, number, id),
            Type::String => wire::add_text(out, number, &format!("{}-{time}", field.name())),
            Type::Message if is_map(field) => {
                let key = format!("key-{time}");
                wire::map_entry(out, number, &key, field.name());
            }
            Type::Message => {
                let below = self.populated(field.type_name(), id);
                wire::put(out, number, &below);
            }
            _ => {
                prost::encoding::encode_varint(u64::from(number) << 3, out);
                out.push(1);
            }
        }
    }
}

fn is_map(field: &FieldDescriptorProto) -> bool {
    field.label() == Label::Repeated
        && field.type_name().ends_with("Entry")
        && !field.type_name().ends_with("Response.Entry")
}
