//! Mappings of FlexVolume drivers: which one is taken, what it makes of a
//! volume, and what is refused.

#![allow(clippy::unwrap_used, reason = "helpers of tests as well")]

use std::time::{Duration, Instant};

use flex2csi_translators::context::Secrets;
use flex2csi_translators::flex::{FlexVolume, Mappings};
use flex2csi_translators::json::Object;
use flex2csi_translators::storage_class::StorageClass;
use flex2csi_translators::values::SiteValue;
use flex2csi_translators::{ClaimRef, Code, Context, Error, Values};
use proptest::prelude::*;

/// A mapping that has a bit of everything.
const ACME: &str = r#"
mapping: acme
summary: Acme disks
drivers: [acme.com/disk, "{site}.acme.com/disk"]
when: 'get(options, "kind", "disk") == "disk"'
csiDriver: '"disk.csi.acme.com"'
confidence: high
values:
  - {name: cluster, kind: text, required: true, help: The cluster's id.}
  - {name: ids, kind: table, help: Ids of volumes by name.}
credentials: [apiKey]
reads: [pool, kind]
volume:
  volumeHandle: 'has(options.volumeID) ? options.volumeID : values.ids[pv.metadata.name]'
  fsType: pv.spec.flexVolume.fsType
  volumeAttributes:
    cluster: values.cluster
    pool: 'get(options, "pool")'
    site: 'get(captures, "site", "")'
    tier: 'get(storageClass.parameters, "tier")'
  secretRefs:
    nodeStageSecretRef: {name: 'secretName == "" ? null : secretName + "-csi"', namespace: secretNamespace}
  mountOptions: 'mountOptions(get(options, "opts", ""))'
  accessModes: '["ReadWriteOnce"]'
  topology: {topology.acme.com/zone: 'get(options, "zone")'}
  annotations: {pv.kubernetes.io/provisioned-by: '"disk.csi.acme.com"'}
secret:
  name: 'secretName == "" ? null : secretName + "-csi"'
  namespace: secretNamespace
  type: acme.com/csi
  keys: {user: [username, login], password: pass}
  options: {apiKey: apiKey}
inline:
  accessModes: '["ReadOnlyMany"]'
storageClass:
  provisioners: [acme.com/disk]
  provisioner: '"disk.csi.acme.com"'
  parameters: {tier: storageClass.parameters.tier}
  reads: [legacyOnly]
  topologyKeys: {zone: topology.acme.com/zone}
claim:
  annotations: {acme.com/tier: 'get(storageClass.parameters, "tier")'}
examples:
  - name: a disk
    values: {cluster: c1}
    in: &disk
      kind: PersistentVolume
      metadata: {name: pv}
      spec: {accessModes: [ReadWriteOnce], flexVolume: {driver: acme.com/disk, fsType: ext4, options: {volumeID: v}}}
    out:
      kind: PersistentVolume
      metadata: {name: pv, annotations: {pv.kubernetes.io/provisioned-by: disk.csi.acme.com}}
      spec:
        accessModes: [ReadWriteOnce]
        csi: {driver: disk.csi.acme.com, volumeHandle: v, fsType: ext4, volumeAttributes: {cluster: c1}}
  - {name: no cluster, in: *disk, error: missing-value}
"#;

fn acme() -> Mappings {
    let mut mappings = Mappings::built_in();
    mappings.add("acme.yaml", ACME).unwrap();
    mappings
}

fn site() -> Values {
    let mut values = Values::default();
    values.set("acme", "cluster", SiteValue::Text("c1".into()));
    values
}

fn context<'a>(mappings: &'a Mappings, values: &'a Values) -> Context<'a> {
    Context::new(values, mappings)
}

fn pv(flex: &str, rest: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"PersistentVolume","metadata":{{"name":"pv"}},"spec":{{"flexVolume":{flex}{rest}}}}}"#
    )
}

fn translate(text: &str, context: &Context<'_>) -> Result<(String, FlexVolume), Error> {
    let mut pv = Object::parse(text).unwrap();
    let volume = context.mappings.volume(&mut pv, context)?;
    Ok((pv.to_json(), volume))
}

fn codes(volume: &FlexVolume) -> Vec<&'static str> {
    let mut codes: Vec<&str> = volume.notes.iter().map(|note| note.code.as_str()).collect();
    codes.sort_unstable();
    codes
}

#[test]
fn a_volume_gets_its_csi_form_in_the_place_of_the_legacy_one() {
    let (mappings, values) = (acme(), site());
    let text = r#"{"kind":"PersistentVolume","metadata":{"name":"pv"},"spec":{"new":1e3,"flexVolume":{"driver":"acme.com/disk","fsType":"xfs","readOnly":true,"options":{"volumeid":"v1","pool":"p","opts":"noatime,discard -o nobarrier","zone":"z1"}},"accessModes":["ReadWriteMany"],"mountOptions":["discard"],"nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"In","values":["b"]}]},{"matchExpressions":[{"key":"topology.acme.com/zone","operator":"In","values":["old"]}]}]}}}}"#;
    let (out, volume) = translate(text, &context(&mappings, &values)).unwrap();
    assert_eq!(
        out,
        r#"{"kind":"PersistentVolume","metadata":{"name":"pv","annotations":{"pv.kubernetes.io/provisioned-by":"disk.csi.acme.com"}},"spec":{"new":1e3,"csi":{"driver":"disk.csi.acme.com","volumeHandle":"v1","readOnly":true,"fsType":"xfs","volumeAttributes":{"cluster":"c1","pool":"p"}},"accessModes":["ReadWriteOnce"],"mountOptions":["discard","noatime","nobarrier"],"nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"In","values":["b"]},{"key":"topology.acme.com/zone","operator":"In","values":["z1"]}]},{"matchExpressions":[{"key":"topology.acme.com/zone","operator":"In","values":["old"]}]}]}}}}"#
    );
    assert_eq!(volume.driver.as_deref(), Some("disk.csi.acme.com"));
    assert_eq!(
        codes(&volume),
        [
            "access-modes-changed",
            "mount-options-added",
            "read-only-differs",
            "topology-written"
        ]
    );
}

#[test]
fn a_secret_without_a_namespace_is_looked_for_where_the_claim_is() {
    let (mappings, values) = (acme(), site());
    let mut context = context(&mappings, &values);
    let flex = r#"{"driver":"acme.com/disk","fsType":"ext4","secretRef":{"name":"s"},"options":{"volumeID":"v"}}"#;
    let bound = pv(flex, r#","claimRef":{"namespace":"prod","name":"c"}"#);
    let (out, volume) = translate(&bound, &context).unwrap();
    assert!(
        out.contains(r#""nodeStageSecretRef":{"name":"s-csi","namespace":"prod"}"#),
        "{out}"
    );
    assert_eq!(
        codes(&volume),
        [
            "access-modes-changed",
            "secret-keys-differ",
            "secret-namespace-assumed"
        ]
    );

    let unbound = pv(flex, "");
    let error = translate(&unbound, &context).unwrap_err();
    assert_eq!(
        error.path().as_str(),
        ".spec.flexVolume.secretRef.namespace"
    );
    context.claim = Some(ClaimRef {
        namespace: "web",
        name: "c",
    });
    let (out, _) = translate(&unbound, &context).unwrap();
    assert!(out.contains(r#""namespace":"web""#), "{out}");

    let own = flex.replace(r#"{"name":"s"}"#, r#"{"name":"s","namespace":"own"}"#);
    let (out, volume) = translate(&pv(&own, ""), &context).unwrap();
    assert!(out.contains(r#""namespace":"own""#), "{out}");
    assert!(!codes(&volume).contains(&"secret-namespace-assumed"));
}

#[test]
fn a_secret_under_other_keys_has_values_only_with_leave() {
    let (mappings, values) = (acme(), site());
    let mut context = context(&mappings, &values);
    let flex = r#"{"driver":"acme.com/disk","fsType":"ext4","secretRef":{"name":"s","namespace":"n"},"options":{"volumeID":"v","apiKey":"t0psecret"}}"#;
    let (out, volume) = translate(&pv(flex, ""), &context).unwrap();
    assert!(!out.contains("t0psecret"));
    assert_eq!(
        volume.extra[0].to_json(),
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s-csi","namespace":"n"},"type":"acme.com/csi","stringData":{"user":"","password":"","apiKey":""}}"#
    );
    assert_eq!(
        codes(&volume),
        [
            "access-modes-changed",
            "credentials-in-options",
            "secret-keys-differ"
        ]
    );
    assert!(!format!("{:?}", volume.notes).contains("t0psecret"));

    let legacy = [("login", "dXNlcg=="), ("pass", "cGFzcw==")];
    let legacy = legacy.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let secrets: Secrets = [(("n".to_owned(), "s".to_owned()), legacy.into())].into();
    context.secrets = Some(&secrets);
    let (_, volume) = translate(&pv(flex, ""), &context).unwrap();
    assert_eq!(
        volume.extra[0].to_json(),
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s-csi","namespace":"n"},"type":"acme.com/csi","data":{"user":"dXNlcg==","password":"cGFzcw=="},"stringData":{"apiKey":"t0psecret"}}"#
    );
    assert_eq!(codes(&volume), ["access-modes-changed"]);
}

#[test]
fn a_legacy_secret_without_the_keys_leaves_the_new_one_to_be_filled_in() {
    let (mappings, values) = (acme(), site());
    let flex = r#"{"driver":"acme.com/disk","fsType":"ext4","options":{"volumeID":"v"},"secretRef":{"name":"s","namespace":"n"}}"#;
    for (legacy, string_data) in [
        (vec!["other"], Some(r#"{"user":"","password":""}"#)),
        (vec![], Some(r#"{"user":"","password":""}"#)),
        // One that is there stands for the other: they may be alternatives.
        (vec!["pass"], None),
    ] {
        let data = legacy
            .iter()
            .map(|key| ((*key).to_owned(), "eA==".to_owned()));
        let secrets: Secrets = [(("n".to_owned(), "s".to_owned()), data.collect())].into();
        let context = Context {
            secrets: Some(&secrets),
            ..context(&mappings, &values)
        };
        let (out, volume) = translate(&pv(flex, ""), &context).unwrap();
        assert!(out.contains(r#""name":"s-csi""#), "{out}");
        let secret = volume.extra[0].to_json();
        assert_eq!(
            codes(&volume).contains(&"secret-keys-differ"),
            string_data.is_some()
        );
        match string_data {
            Some(data) => assert!(secret.contains(data), "{secret}"),
            None => assert!(!secret.contains("stringData"), "{secret}"),
        }
    }
}

#[test]
fn what_is_missing_is_named_and_never_guessed() {
    let (mappings, mut values) = (acme(), Values::default());
    let flex = r#"{"driver":"acme.com/disk","fsType":"ext4","options":{"apiKey":"t0psecret"}}"#;
    let missing =
        |values: &Values| translate(&pv(flex, ""), &context(&mappings, values)).unwrap_err();
    let error = missing(&values);
    assert!(
        matches!(&error, Error::MissingValue { value, .. } if value == "cluster"),
        "{error}"
    );
    values = site();
    let error = missing(&values);
    assert!(
        matches!(&error, Error::MissingValue { value, .. } if value == "ids"),
        "{error}"
    );
    values.set(
        "acme",
        "ids",
        SiteValue::Table([("pv".to_owned(), "id-7".to_owned())].into()),
    );
    let (out, _) = translate(&pv(flex, ""), &context(&mappings, &values)).unwrap();
    assert!(out.contains(r#""volumeHandle":"id-7""#), "{out}");

    let no_fs_type = r#"{"driver":"acme.com/disk","options":{"volumeID":"v"}}"#;
    let error = translate(&pv(no_fs_type, ""), &context(&mappings, &values)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "acme.com/disk: .spec.flexVolume.fsType is not set"
    );
    let empty = r#"{"driver":"acme.com/disk","fsType":"ext4","options":{"volumeID":""}}"#;
    let error = translate(&pv(empty, ""), &context(&mappings, &values)).unwrap_err();
    assert_eq!(error.code(), Code::MappingFailed);
}

#[test]
fn a_class_that_matters_and_is_not_known_is_noted() {
    let (mappings, values) = (acme(), site());
    let mut context = context(&mappings, &values);
    let flex =
        r#"{"driver":"acme.com/disk","fsType":"ext4","options":{"volumeID":"v","other":"x"}}"#;
    let text = pv(flex, r#","storageClassName":"fast""#);
    let (_, volume) = translate(&text, &context).unwrap();
    assert_eq!(
        codes(&volume),
        [
            "access-modes-changed",
            "option-dropped",
            "storage-class-unknown"
        ]
    );
    let class = StorageClass {
        name: "fast".into(),
        provisioner: "acme.com/disk".into(),
        parameters: vec![("tier".into(), "gold".into())],
    };
    context.storage_class = Some(&class);
    let (out, volume) = translate(&text, &context).unwrap();
    assert!(out.contains(r#""tier":"gold""#), "{out}");
    assert_eq!(codes(&volume), ["access-modes-changed", "option-dropped"]);
}

#[test]
fn classes_and_claims_are_translated_with_their_driver() {
    let (mappings, values) = (acme(), site());
    let mut context = context(&mappings, &values);
    let mut class = Object::parse(r#"{"kind":"StorageClass","metadata":{"name":"fast"},"provisioner":"acme.com/disk","parameters":{"tier":"gold","legacyOnly":"1","odd":"2"},"allowedTopologies":[{"matchLabelExpressions":[{"key":"zone","values":["z"]}]}]}"#).unwrap();
    let notes = mappings
        .storage_class(&mut class, &context)
        .unwrap()
        .unwrap();
    assert_eq!(
        class.to_json(),
        r#"{"kind":"StorageClass","metadata":{"name":"fast"},"provisioner":"disk.csi.acme.com","parameters":{"tier":"gold"},"allowedTopologies":[{"matchLabelExpressions":[{"key":"topology.acme.com/zone","values":["z"]}]}]}"#
    );
    let codes: Vec<&str> = notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(codes, ["parameter-dropped", "provisioner-changed"]);
    assert!(notes[0].message.ends_with(": odd"));

    let legacy = StorageClass {
        parameters: vec![("tier".into(), "gold".into())],
        ..StorageClass::default()
    };
    context.storage_class = Some(&legacy);
    let mut claim = Object::parse(r#"{"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-provisioner":"acme.com/disk"}}}"#).unwrap();
    assert!(mappings.claim(&mut claim, &context).unwrap().is_some());
    assert_eq!(
        claim.to_json(),
        r#"{"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-provisioner":"disk.csi.acme.com","acme.com/tier":"gold"}}}"#
    );
    for other in [r#"{"provisioner":"csi.other"}"#, r#"{"metadata":{}}"#, "{}"] {
        let mut object = Object::parse(other).unwrap();
        assert!(
            mappings
                .storage_class(&mut object, &context)
                .unwrap()
                .is_none()
        );
        assert!(mappings.claim(&mut object, &context).unwrap().is_none());
        assert_eq!(object.to_json(), other);
    }
}

#[test]
fn an_inline_volume_gets_the_access_mode_of_its_mapping() {
    let (mappings, values) = (acme(), site());
    let context = context(&mappings, &values);
    let mode = |text: &str| {
        let mut inline = Object::parse(text).unwrap();
        mappings.inline_access_mode(&mut inline, &context)
    };
    assert_eq!(
        mode(r#"{"driver":"acme.com/disk"}"#).unwrap(),
        "ReadOnlyMany"
    );
    assert_eq!(
        mode(r#"{"driver":"nobody/knows"}"#).unwrap(),
        "ReadWriteOnce"
    );
    assert!(mode("{}").is_err());
}

#[test]
fn exact_names_go_before_patterns_and_both_before_shapes() {
    let small = |name: &str, matching: &str, driver: &str| {
        format!(
            r#"
mapping: {name}
summary: x
{matching}
csiDriver: '"{name}.csi"'
confidence: low
volume: {{volumeHandle: options.id}}
examples:
  - {{name: a, in: &pv {{kind: PersistentVolume, spec: {{flexVolume: {{driver: {driver}, options: {{id: x, odd: z}}}}}}}}, out: {{kind: PersistentVolume, spec: {{csi: {{driver: {name}.csi, volumeHandle: x}}}}}}, notes: [option-dropped]}}
  - {{name: b, in: *pv, out: {{kind: PersistentVolume, spec: {{csi: {{driver: {name}.csi, volumeHandle: x}}}}}}, notes: [option-dropped]}}
"#
        )
    };
    let mut mappings = Mappings::built_in();
    for (name, matching, driver) in [
        ("by-shape", "shape: has(options.odd)", "any/name"),
        ("by-pattern", "drivers: ['{vendor}/disk']", "v/disk"),
        ("by-name", "drivers: [exact/disk]", "exact/disk"),
    ] {
        let text = small(name, matching, driver);
        mappings
            .add("user.yaml", &text)
            .unwrap_or_else(|error| panic!("{error}"));
    }
    let values = Values::default();
    let context = context(&mappings, &values);
    let driver = |driver: &str, options: &str| {
        let text = pv(
            &format!(r#"{{"driver":"{driver}","options":{options}}}"#),
            "",
        );
        translate(&text, &context).map(|(_, volume)| volume.driver)
    };
    let both = r#"{"id":"1","odd":"2"}"#;
    assert_eq!(
        driver("exact/disk", both).unwrap().as_deref(),
        Some("by-name.csi")
    );
    assert_eq!(
        driver("other/disk", both).unwrap().as_deref(),
        Some("by-pattern.csi")
    );
    assert_eq!(
        driver("other/share", both).unwrap().as_deref(),
        Some("by-shape.csi")
    );
    let error = driver("other/share", r#"{"id":"1"}"#).unwrap_err();
    assert!(matches!(error, Error::UnknownDriver { .. }), "{error}");
}

#[test]
fn a_mapping_of_the_users_takes_the_place_of_the_built_in_one() {
    let mut mappings = Mappings::built_in();
    let before = mappings.iter().count();
    let text = ACME.replace("mapping: acme", "mapping: huawei-fuxivol");
    let error = mappings
        .add("own.yaml", &text.replace("examples:", "exampels:"))
        .unwrap_err();
    assert!(error.to_string().starts_with("own.yaml:"), "{error}");
    mappings.add("own.yaml", &text).unwrap();
    assert_eq!(mappings.iter().count(), before);
    let own = mappings.get("huawei-fuxivol").unwrap();
    assert_eq!(own.summary(), "Acme disks");
    assert_eq!(own.csi_driver().as_deref(), Some("disk.csi.acme.com"));
    assert!(
        mappings
            .add("again.yaml", &text)
            .unwrap_err()
            .to_string()
            .contains("already")
    );
}

#[test]
fn an_unknown_driver_comes_with_a_mapping_to_start_from() {
    let (mappings, values) = (Mappings::built_in(), Values::default());
    let flex = r#"{"driver":"acme.com/x","options":{"diskID":"d-1","password":"t0psecret"}}"#;
    let error = translate(&pv(flex, ""), &context(&mappings, &values)).unwrap_err();
    let Error::UnknownDriver {
        driver, skeleton, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(driver, "acme.com/x");
    assert!(skeleton.contains("options[\"diskID\"]"), "{skeleton}");
    assert!(!format!("{error:?}").contains("t0psecret"));
    // It is refused for what is still to be done, and for nothing else.
    let refused = Mappings::default()
        .add("skeleton.yaml", skeleton)
        .unwrap_err();
    assert!(refused.message.contains("examples"), "{refused}");
}

#[test]
fn a_wrong_file_is_refused_with_its_place_and_what_was_expected() {
    let refused = |from: &str, to: &str| {
        assert!(ACME.contains(from), "{from}");
        let error = Mappings::default()
            .add("f.yaml", &ACME.replacen(from, to, 1))
            .unwrap_err();
        let line = ACME[..ACME.find(from).unwrap()].lines().count() as u64;
        (error.line.abs_diff(line), error.column, error.message)
    };
    for (from, to, expected) in [
        (
            "fsType: pv.",
            "fstype: pv.",
            "unknown field `fstype`, expected",
        ),
        (
            "confidence: high",
            "confidence: sure",
            "unknown variant `sure`, expected",
        ),
        (
            "get(options, \"pool\")",
            "get(option, \"pool\")",
            "unknown variable `option`",
        ),
        (
            "values.cluster",
            "values.clusters",
            "`values.clusters` is not declared",
        ),
        (
            "get(captures, \"site\", \"\")",
            "captures.zone",
            "no driver pattern has the place {zone}",
        ),
        (
            "mountOptions(get",
            "mountFlags(get",
            "unknown function `mountFlags`",
        ),
        (
            "'[\"ReadWriteOnce\"]'",
            "'[\"ReadWriteOnce\"'",
            "not a CEL expression",
        ),
        ("\"{site}.acme", "\"{site.acme", "expected `}`"),
        ("mapping: acme", "mapping: Acme!", "expected a name"),
        (
            "{name: no cluster, in: *disk, error: missing-value}",
            "{name: no cluster, in: *disk, error: no-translation}",
            "expected the error no-translation, found missing-value",
        ),
        (
            "volumeHandle: v, fsType",
            "volumeHandle: w, fsType",
            "volumeHandle is \"v\", expected \"w\"",
        ),
    ] {
        let (lines_off, column, message) = refused(from, to);
        assert!(message.contains(expected), "{to}: {message}");
        assert!(column > 0);
        // An example is pointed at as a whole.
        assert!(
            lines_off <= if message.contains("example") { 12 } else { 1 },
            "{to}: {lines_off}"
        );
    }
}

#[test]
fn hostile_files_are_refused_soon() {
    let long = format!("when: '{}true'", "true && ".repeat(300));
    for text in [
        "[".repeat(100_000),
        "{".repeat(100_000),
        "a: ".repeat(10_000),
        "- ".repeat(10_000),
        ACME.replace(
            "in: &disk\n",
            &format!(
                "in: &disk\n      deep: {}{}\n",
                "[".repeat(200),
                "]".repeat(200)
            ),
        ),
        ACME.replace(
            "when: 'get(options, \"kind\", \"disk\") == \"disk\"'",
            &long,
        ),
        ACME.replace(
            "'get(options, \"pool\")'",
            &format!("'{}1{}'", "(".repeat(500), ")".repeat(500)),
        ),
        ACME.replace(
            "'get(options, \"pool\")'",
            "'[1].map(x, [1].map(y, [1].map(z, z)))'",
        ),
        format!(
            "x: &a [1]\n{}",
            "y: [*a, *a, *a, *a, *a, *a, *a, *a]\n".repeat(5000)
        ),
        "x".repeat(1 << 20),
    ] {
        let started = Instant::now();
        assert!(Mappings::default().add("f.yaml", &text).is_err());
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{}",
            &text[..40]
        );
    }
}

fn json_text() -> impl Strategy<Value = String> {
    "\\PC{0,20}".prop_map(|text| serde_json::to_string(&text).unwrap())
}

fn options() -> impl Strategy<Value = String> {
    let known = prop::sample::select(
        &[
            "volumeID",
            "volumeId",
            "VolumeId",
            "server",
            "share",
            "path",
            "bucket",
            "url",
            "fsName",
            "image",
            "pool",
            "clusterNamespace",
            "networkPath",
            "mountOptions",
            "source",
            "container",
            "storage_class",
            "posix",
            "opts",
            "resource",
            "otherOpts",
            "vers",
            "deviceMountPath",
            "region",
            "name",
            "size",
        ][..],
    );
    let key = prop_oneof![
        3 => known.prop_map(|key| format!("\"{key}\"")),
        1 => json_text(),
    ];
    prop::collection::btree_map(key, json_text(), 0..8).prop_map(|options| {
        let members: Vec<String> = options
            .iter()
            .map(|(key, value)| format!("{key}:{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

fn drivers() -> impl Strategy<Value = String> {
    let known: Vec<String> = Mappings::built_in()
        .iter()
        .flat_map(|mapping| {
            mapping
                .drivers()
                .map(|driver| driver.replace("{namespace}", "rook"))
                .collect::<Vec<_>>()
        })
        .collect();
    prop_oneof![
        4 => prop::sample::select(known).prop_map(|driver| format!("{driver:?}")),
        1 => json_text(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn whatever_the_options_are_nothing_panics_and_what_is_not_touched_survives(
        driver in drivers(),
        options in options(),
        name in "[a-z0-9-]{1,20}",
        extra in json_text(),
        secret in prop::option::of("[a-z]{1,8}"),
    ) {
        let (mappings, values) = (Mappings::built_in(), Values::default());
        let secret = secret.map_or(String::new(), |name| format!(r#","secretRef":{{"name":"{name}"}}"#));
        let text = format!(
            r#"{{"kind":"PersistentVolume","x":{extra},"metadata":{{"name":"{name}","y":1e2,"labels":{{"l":{extra}}}}},"spec":{{"accessModes":["ReadWriteMany"],"z": {extra} ,"claimRef":{{"namespace":"n","name":"c","uid":{extra}}},"flexVolume":{{"driver":{driver},"fsType":"ext4","options":{options}{secret}}}}},"status":{{"phase":{extra}}}}}"#
        );
        if let Ok((out, _)) = translate(&text, &context(&mappings, &values)) {
            let before: serde_json::Value = serde_json::from_str(&text).unwrap();
            let mut after: serde_json::Value = serde_json::from_str(&out).unwrap();
            match after["spec"].as_object_mut().unwrap().remove("csi") {
                Some(csi) => {
                    prop_assert!(!csi["volumeHandle"].as_str().unwrap().is_empty());
                    prop_assert!(!out.contains("\"flexVolume\""));
                }
                // A driver of no volumes: kept.
                None => prop_assert_eq!(&after, &before),
            }
            for (member, value) in before["spec"].as_object().unwrap() {
                if !["flexVolume", "accessModes", "mountOptions", "nodeAffinity", "capacity"].contains(&member.as_str()) {
                    prop_assert_eq!(&after["spec"][member], value);
                }
            }
            after["metadata"].as_object_mut().unwrap().remove("annotations");
            prop_assert_eq!(&after["metadata"], &before["metadata"]);
            prop_assert_eq!(&after["status"], &before["status"]);
            prop_assert!(out.contains("\"y\":1e2"));
        }
    }

    #[test]
    fn no_text_is_a_mapping_that_panics(text in "\\PC{0,300}") {
        let _ = Mappings::default().add("f.yaml", &text);
    }

    /// A good file with a piece cut out and another put in.
    #[test]
    fn no_broken_mapping_panics(start in 0..ACME.len(), length in 0..200_usize, put in "[-\\[\\]{}():'\"a-z \n&*|>?.,+]{0,12}") {
        let end = (start + length).min(ACME.len());
        let text = format!("{}{put}{}", &ACME[..start], &ACME[end..]);
        let _ = Mappings::default().add("f.yaml", &text);
    }
}

#[test]
fn the_example_in_the_documentation_is_a_mapping() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/mappings.md");
    let text = std::fs::read_to_string(path).unwrap();
    let start = text.find("```yaml\n").unwrap() + "```yaml\n".len();
    let end = start + text[start..].find("```").unwrap();
    Mappings::default()
        .add("docs/mappings.md", &text[start..end])
        .unwrap();
}
