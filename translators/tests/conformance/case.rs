//! Cases as they stand in the recorded files, and what we answer.

use flex2csi_translators::in_tree;
use flex2csi_translators::json::Object;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A question to the library.
#[derive(Deserialize)]
pub struct Case<'a> {
    /// Its name.
    pub id: String,
    /// The function that is asked.
    pub op: String,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(default)]
    args: Args,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Args {
    pod_namespace: String,
    plugin: Option<String>,
    driver: String,
    volume_handle: String,
    #[serde(rename = "nodeID")]
    node_id: String,
    id: String,
}

impl Case<'_> {
    /// Our answer, as JSON text, or our error.
    pub fn answer(&self) -> Result<String, String> {
        self.translate().map_err(|error| error.to_string())
    }

    fn translate(&self) -> Result<String, Box<dyn std::error::Error>> {
        let Args {
            pod_namespace,
            driver,
            volume_handle,
            node_id,
            id,
            ..
        } = &self.args;
        Ok(match self.op.as_str() {
            "pv-to-csi" => in_tree::to_csi(self.object()?)?.to_json(),
            "csi-to-pv" => in_tree::to_in_tree(self.object()?)?.to_json(),
            "inline-to-csi" => in_tree::inline_to_csi(self.object()?, pod_namespace)?.to_json(),
            "sc-to-csi" => {
                let class = self.object()?;
                let plugin = match &self.args.plugin {
                    Some(plugin) => plugin.clone(),
                    None => class.str("provisioner")?.unwrap_or_default().into_owned(),
                };
                in_tree::storage_class_to_csi(&plugin, class)?.to_json()
            }
            "repair-handle" => {
                let handle = in_tree::repair_handle(driver, volume_handle, node_id)?;
                serde_json::to_string(&handle)?
            }
            "ebs-volume-id" => serde_json::to_string(&in_tree::ebs_volume_id(id)?)?,
            other => return Err(format!("there is no operation {other:?}").into()),
        })
    }

    fn object(&self) -> Result<Object<'_>, Box<dyn std::error::Error>> {
        let input = self.input.ok_or("there is no object")?;
        Ok(Object::parse(input.get())?)
    }
}
