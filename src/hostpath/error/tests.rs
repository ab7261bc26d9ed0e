use super::*;

fn id() -> Id {
    Id::of_name(Object::Volume, "x")
}

#[test]
fn each_error_has_its_code() {
    let (object, path) = (Object::Volume, PathBuf::from("/x"));
    let io = |kind: io::ErrorKind| Error::io("write", Path::new("/x"))(io::Error::from(kind));
    let table = [
        (Error::Missing("volume_id"), Code::InvalidArgument),
        (Error::invalid("name", "is too long"), Code::InvalidArgument),
        (
            Error::Unknown {
                object,
                id: "x".into(),
            },
            Code::NotFound,
        ),
        (
            Error::NotThere {
                volume: id(),
                path: "/x".into(),
            },
            Code::NotFound,
        ),
        (
            Error::Exists {
                object,
                id: id(),
                why: String::new(),
            },
            Code::AlreadyExists,
        ),
        (Error::Busy { object, id: id() }, Code::Aborted),
        (Error::Token("x".into()), Code::Aborted),
        (Error::Capacity(String::new()), Code::OutOfRange),
        (Error::NoPlace(String::new()), Code::ResourceExhausted),
        (
            Error::NodeFull {
                node: id(),
                limit: 1,
            },
            Code::ResourceExhausted,
        ),
        (
            Error::InUse {
                object,
                id: id(),
                by: String::new(),
            },
            Code::FailedPrecondition,
        ),
        (
            Error::Precondition {
                volume: id(),
                why: String::new(),
            },
            Code::FailedPrecondition,
        ),
        (Error::NoStagingPath, Code::FailedPrecondition),
        (Error::Unsupported("--attach"), Code::Unimplemented),
        (
            Error::NoSecret {
                volume: id(),
                key: "password".into(),
            },
            Code::Unauthenticated,
        ),
        (
            Error::NoProgram {
                program: "mkfs.xfs",
                package: "xfsprogs",
            },
            Code::FailedPrecondition,
        ),
        (
            Error::Program {
                program: "mkfs.xfs",
                path: path.clone(),
                said: String::new(),
            },
            Code::Internal,
        ),
        (io(io::ErrorKind::PermissionDenied), Code::Internal),
        (io(io::ErrorKind::StorageFull), Code::ResourceExhausted),
        (io(io::ErrorKind::QuotaExceeded), Code::ResourceExhausted),
        (
            Error::Record {
                path: path.clone(),
                why: String::new(),
            },
            Code::Internal,
        ),
        (
            Error::Foreign {
                volume: id(),
                path: "/x".into(),
            },
            Code::Internal,
        ),
        (
            Error::Faults {
                path,
                why: String::new(),
            },
            Code::Internal,
        ),
        (Error::Asked(Code::Unavailable), Code::Unavailable),
    ];
    for (error, code) in table {
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(Status::from(error).code(), code);
    }
}

#[test]
fn a_message_names_what_it_is_about() {
    let error = Error::Unknown {
        object: Object::Snapshot,
        id: "snap-1".into(),
    };
    assert_eq!(error.to_string(), "there is no snapshot \"snap-1\"");
}
